#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "src/expr/bound_expression.h"

namespace velaria {

namespace {

// Equal expressions fall into one class; a class stands behind the classes of its children.
class Classes {
 public:
  size_t add(const BoundExpressionPtr& expression) {
    std::vector<size_t> children;
    for (const auto& child : expression->children) children.push_back(add(child));
    // So that a long list of constants is not compared each with each.
    std::string text = expression->name;
    if (expression->is_constant()) text = expression->constant.to_sql();
    std::vector<size_t>& alike = by_children_[{expression->kind, std::move(text), children}];
    const auto found = std::find_if(alike.begin(), alike.end(), [&](size_t i) {
      return same_expression(*classes_[i].expression, *expression);
    });
    if (found != alike.end()) return *found;
    const size_t number = classes_.size();
    alike.push_back(number);
    for (const size_t child : children) ++classes_[child].uses;
    classes_.push_back({expression, std::move(children)});
    return number;
  }

  void use(size_t number) { ++classes_[number].uses; }

  bool any_repeated() const {
    return std::any_of(classes_.begin(), classes_.end(),
                       [](const Class& one) { return one.is_repeated(); });
  }

  BoundExpressionPtr make(size_t number) {
    Class& one = classes_[number];
    if (one.made) return one.made;
    bool changed = one.is_repeated();
    std::vector<BoundExpressionPtr> children;
    for (const size_t child : one.children) {
      children.push_back(make(child));
      changed = changed || children.back() != one.expression->children[children.size() - 1];
    }
    one.made = one.expression;
    if (changed) {
      auto node = std::make_shared<BoundExpression>(*one.expression);
      node->children = std::move(children);
      node->is_repeated = one.is_repeated();
      one.made = std::move(node);
    }
    return one.made;
  }

 private:
  struct Class {
    BoundExpressionPtr expression;
    std::vector<size_t> children;
    size_t uses = 0;  // by nodes that are made once, and by the list itself
    BoundExpressionPtr made = nullptr;

    bool is_repeated() const { return uses > 1 && !expression->children.empty(); }
  };

  std::vector<Class> classes_;
  using Key = std::tuple<BoundKind, std::string, std::vector<size_t>>;
  std::map<Key, std::vector<size_t>> by_children_;
};

}  // namespace

void share_repeated_expressions(std::vector<BoundExpressionPtr>* expressions) {
  Classes classes;
  std::vector<size_t> numbers;
  for (const auto& expression : *expressions) {
    numbers.push_back(classes.add(expression));
    classes.use(numbers.back());
  }
  if (!classes.any_repeated()) return;
  for (size_t i = 0; i < numbers.size(); ++i) (*expressions)[i] = classes.make(numbers[i]);
}

}  // namespace velaria
