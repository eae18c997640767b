#include "src/io/encoding_guess.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "src/base/text.h"
#include "src/io/text_encoding.h"

namespace velaria {

namespace {

// The characters that everyday text is made of, most of it by the first of them.
constexpr const char* kSimplified =
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发"
    "后作里"
    "用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只"
    "从想实"
    "日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头"
    "文体政"
    "美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立"
    "及比员"
    "解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接"
    "必场件"
    "计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权"
    "思王象"
    "完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运号单"
    "价格订"
    "客户姓址编省县州广江京沪浙苏深圳杭成都武汉商店产销售额量收支付款银行账余状态备注类型称姓李陈刘"
    "杨黄赵"
    "周吴徐孙胡朱林何郭罗梁宋郑谢韩唐冯董萧曹袁邓许傅沈曾彭吕卢蒋蔡贾丁魏薛叶阎潘杜戴夏钟汪田任姜范"
    "石姚";
constexpr const char* kTraditional =
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發"
    "後作裡"
    "用道行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只"
    "從想實"
    "日軍者意無力它與長把機十民第公此已工使情明性知全三又關點正業外將兩高間由問很最重並物手應戰向頭"
    "文體政"
    "美相見被利什二等產或新己制身果加西斯月話合回特代內信表化老給世位次度門任常先海通教兒原東聲提立"
    "及比員"
    "解水名真論處走義各入幾口認條平系氣題活爾更別打女變四神總何電數安少報才結反受目太量再感建務做接"
    "必場件"
    "計管期市直德資命山金指克許統區保至隊形社便空決治展馬科司五基眼書非則聽白卻界達光放強即像難且權"
    "思王象"
    "完設式色路記南品住告類求據程北邊死張該交規萬取拉格望覺術領共確傳師觀清今切院讓識候帶導爭運號單"
    "價訂客"
    "戶姓址編省縣州廣江京臺灣台高雄新竹商店產銷售額量收支付款銀行帳餘狀態備註類型稱李陳劉楊黃趙周吳"
    "徐孫胡"
    "朱林郭羅梁宋鄭謝韓唐馮董蕭曹袁鄧許傅沈曾彭呂盧蔣蔡賈丁魏薛葉閻潘杜戴夏鍾汪田任姜范石姚";
constexpr const char* kJapanese =
    "日一国会人年大十二本中長出三同時政事自行社見月分議後前民生連五発間対上部東者党地合市業内相方四"
    "定今回"
    "新場金員九入選立開手米力学問高代明実円関決子動京全目表戦経通外最言氏現理調体化田当八六約主題下"
    "首意法"
    "不来作性的要用制治度務強気小七成期公持野協取都和統以機平総加山思家話世受区領多県続進正安設保改"
    "数記院"
    "女初北午指権心界支第産結百派点教報済書府活原先共得解名交資予川向際査勝面委告軍文反元重近千考判"
    "認画海"
    "参売利組知案道信策集在件団別物側任引使求所次水半品昨論計死官増係感特情投示変打男基私各始島直両"
    "朝革価"
    "式確村提運終挙果西勢減台広容必応演電歳住争談能無再位置企真流格有疑口過局少放税検藤町常校料沢裁"
    "状工建"
    "語球営空職証土与急止送援供可役構木割聞身費付施切由説転食比難防補車優夫研収断井何南石足違消境神"
    "番規術"
    "護展態導鮮備宅害配副算視条幹独警宮究育席輸訪楽起万着乗店述残想線率病農州武声質念待試族象銀域助"
    "労例衛"
    "然早張映限親額監環験追審商葉義伝働形景落欧担好退準賞訴辺造英被株頭技低毎医復仕去姿味負閣韓渡失"
    "移差衆"
    "個門写評課末守若脳極種美岡影命含福蔵量望松非撃佐核観察整段横融型白深字答夜製票況音申様財港識注"
    "呼渉達";
constexpr const char* kKorean =
    "이다는을의에가고하지도로를한은기사니그어나들자시인해서대만리것아수일있부정주보과전제여라우상게"
    "면모장신까"
    "스안없원공비소구성유국경동생선마내관조적개무학회방문식용물치세음실화중히행연미당각발민와말두때"
    "년오분요트"
    "운저프최럼간영단르된김위반재품박강명처데현산업울전터계금양레남거불호래차통토바교특표월후살러본"
    "려감할속복"
    "키외임심번역진달손추천집형날될포설드노하천광직북체등역번상품목록주문고객이름전화주소가격수량합"
    "계날짜이박"
    "최정강조윤장임한오서신권황안송류홍서울부산대구인천광주대전울산세종경기강원충북충남전북전남경북"
    "경남제주";

constexpr const char* kThai = "กขคงจชซดตถทธนบปผฝพฟภมยรลวสหอะาิีึืุูเแโใไ่้๊์ัำ็ณศษ";

std::vector<uint32_t> code_points(std::string_view text) {
  std::vector<uint32_t> out;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t code = size == 1 ? lead : lead & (0x3Fu >> (size - 1));
    for (size_t k = 1; k < size && i + k < text.size(); ++k) {
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3F);
    }
    out.push_back(code);
    i += size;
  }
  return out;
}

std::set<uint32_t> character_set(const char* text) {
  const std::vector<uint32_t> codes = code_points(text);
  return {codes.begin(), codes.end()};
}

bool is_ascii_letter(uint32_t c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }

// Signs of East Asian text that no language has for itself.
bool is_wide_sign(uint32_t c) {
  return (c >= 0x3000 && c <= 0x301F) || (c >= 0xFF01 && c <= 0xFF60) || c == 0x2014 ||
         c == 0x2026 || (c >= 0x2018 && c <= 0x201D) || c == 0xB7;
}

struct Counts {
  double points = 0;  // 1 for what is common, less for what is only possible
  int64_t characters = 0;
  int64_t common = 0;
};

// Katakana of one byte: what old systems write of names.
bool is_half_width_kana(uint32_t c) { return c >= 0xFF66 && c <= 0xFF9F; }

Counts judge_east_asian(const std::vector<uint32_t>& text, const std::set<uint32_t>& common,
                        bool kana, bool hangul) {
  Counts out;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint32_t c = text[i];
    if (c < 0x80) continue;
    ++out.characters;
    const bool is_kana = c >= 0x3041 && c <= 0x30FE;
    const bool is_hangul = c >= 0xAC00 && c <= 0xD7A3;
    const bool is_han = c >= 0x4E00 && c <= 0x9FFF;
    if (common.count(c) > 0 || (kana && is_kana) || is_wide_sign(c)) {
      ++out.common;
      out.points += 1;
    } else if (kana && is_half_width_kana(c)) {
      // Words of them, not one between other characters.
      const bool word = (i > 0 && is_half_width_kana(text[i - 1])) ||
                        (i + 1 < text.size() && is_half_width_kana(text[i + 1]));
      out.common += word ? 1 : 0;
      out.points += word ? 0.8 : -1;
    } else if (hangul ? is_hangul : is_han) {
      out.points += 0.45;
    } else if (is_han || is_hangul || is_kana) {
      out.points += 0.1;
    } else {
      out.points -= 1;  // box drawing, private characters: not everyday
    }
  }
  return out;
}

// A script of one byte a character.
struct Script {
  std::vector<std::vector<uint32_t>> languages;  // small letters of each, the commonest first
  uint32_t first = 0;                            // all letters
  uint32_t last = 0;
  bool has_case = false;
};

Script make_script(const std::vector<const char*>& languages, uint32_t first, uint32_t last,
                   bool has_case) {
  Script out;
  for (const char* letters : languages) out.languages.push_back(code_points(letters));
  out.first = first;
  out.last = last;
  out.has_case = has_case;
  return out;
}

uint32_t to_small(uint32_t c) {
  if (c >= 0x410 && c <= 0x42F) return c + 0x20;
  if (c >= 0x400 && c <= 0x40F) return c + 0x50;
  if (c == 0x490) return 0x491;
  if (c >= 0x391 && c <= 0x3A9) return c + 0x20;
  switch (c) {
    case 0x386: return 0x3AC;
    case 0x388: return 0x3AD;
    case 0x389: return 0x3AE;
    case 0x38A: return 0x3AF;
    case 0x38C: return 0x3CC;
    case 0x38E: return 0x3CD;
    case 0x38F: return 0x3CE;
    default: return c;
  }
}

// Letters that only end words.
bool is_final_form(uint32_t c) {
  return c == 0x5DA || c == 0x5DD || c == 0x5DF || c == 0x5E3 || c == 0x5E5 || c == 0x3C2;
}

// Everyday text has as many points a letter by its commonness.
constexpr double kUsualCommonness = 0.8;

// Letters stand beside letters of the same script, the common ones most often; a capital behind a
// small letter, or the final form of a letter inside of a word, is what a wrong table makes.
Counts judge_script(const std::vector<uint32_t>& text, const Script& script) {
  Counts best;
  const auto inside = [&](uint32_t c) { return c >= script.first && c <= script.last; };
  for (const std::vector<uint32_t>& letters : script.languages) {
    std::map<uint32_t, double> commonness;
    for (size_t i = 0; i < letters.size(); ++i) {
      const double rank = static_cast<double>(i) / static_cast<double>(letters.size());
      commonness[letters[i]] = (1 - 0.8 * rank) / kUsualCommonness;
    }
    Counts out;
    for (size_t i = 0; i < text.size(); ++i) {
      const uint32_t c = text[i];
      if (c < 0x80) continue;
      ++out.characters;
      const uint32_t before = i > 0 ? text[i - 1] : ' ';
      const uint32_t behind = i + 1 < text.size() ? text[i + 1] : ' ';
      if (inside(c) && !is_ascii_letter(before) && !is_ascii_letter(behind)) {
        const bool capital = script.has_case && to_small(c) != c;
        const bool small_before = inside(before) && to_small(before) == before;
        const bool good = !(capital && small_before) && !(is_final_form(c) && inside(behind));
        const auto known = commonness.find(to_small(c));
        const double points = known == commonness.end() ? 0.1 : known->second;
        out.points += good ? points * (capital ? 0.9 : 1) : -0.5;
        out.common += good && known != commonness.end() ? 1 : 0;
      } else if (c == 0xA0 || c == 0xAB || c == 0xBB || c == 0x2116 || c == 0x2013 || c == 0x2014 ||
                 (c >= 0x2018 && c <= 0x201E)) {
        out.points += 0.5;
      } else {
        out.points -= 0.5;
      }
    }
    out.points = std::min(out.points, static_cast<double>(out.characters));
    if (best.characters == 0 || out.points > best.points) best = out;
  }
  return best;
}

// Latin letters with marks stand among ASCII letters, and all of them are of one language.
Counts judge_latin(const std::vector<uint32_t>& text,
                   const std::vector<std::set<uint32_t>>& languages) {
  Counts best;
  const auto marked = [](uint32_t c) { return c >= 0xC0 && c < 0x250 && c != 0xD7 && c != 0xF7; };
  for (const std::set<uint32_t>& common : languages) {
    Counts out;
    size_t run = 0;  // of letters with marks
    for (size_t i = 0; i < text.size(); ++i) {
      const uint32_t c = text[i];
      run = marked(c) ? run + 1 : 0;
      if (c < 0x80) continue;
      ++out.characters;
      const auto letter = [&](uint32_t other) { return is_ascii_letter(other) || marked(other); };
      const bool beside =
          (i > 0 && letter(text[i - 1])) || (i + 1 < text.size() && letter(text[i + 1]));
      const bool sign = (c >= 0x2018 && c <= 0x201E) || c == 0x2013 || c == 0x2014 || c == 0x20AC ||
                        c == 0x2026 || c == 0xB0 || c == 0xA7 || c == 0xAB || c == 0xBB ||
                        c == 0xA0 || c == 0xA3 || c == 0xB2 || c == 0xB3 || c == 0xB5;
      // A capital behind a small letter is what a wrong table makes.
      const bool capital = (c >= 0xC0 && c <= 0xDE) || c == 0x160 || c == 0x17D;
      const bool odd = run > 2 || (capital && i > 0 && text[i - 1] >= 'a' && text[i - 1] <= 'z');
      if (odd) {
        out.points -= 0.5;  // words of nothing but marks are of another script
      } else if (common.count(c) > 0 && beside) {
        ++out.common;
        out.points += 1;
      } else if (sign) {
        out.points += 0.6;
      } else if (marked(c) && beside) {
        out.points += 0.3;
      } else if (c < 0xA0) {
        out.points -= 1;  // control characters
      } else {
        out.points -= 0.3;
      }
    }
    if (best.characters == 0 || out.points > best.points) best = out;
  }
  return best;
}

// Words of Thai have no Latin letters in them, which a letter with a mark of another table has.
Counts judge_thai(const std::vector<uint32_t>& text, const std::set<uint32_t>& common) {
  Counts out = judge_east_asian(text, common, false, false);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] < 0xE01 || text[i] > 0xE5B) continue;
    const bool behind = i > 0 && is_ascii_letter(text[i - 1]);
    const bool before = i + 1 < text.size() && is_ascii_letter(text[i + 1]);
    if (behind || before) out.points -= 1.5;
  }
  return out;
}

std::vector<std::set<uint32_t>> letter_sets(const std::vector<const char*>& languages) {
  std::vector<std::set<uint32_t>> out;
  for (const char* letters : languages) out.push_back(character_set(letters));
  return out;
}

bool has_several_bytes(std::string_view encoding) {
  for (const char* name : {"gb18030", "big5", "cp950", "big5-hkscs", "shift-jis", "cp932", "euc-jp",
                           "euc-kr", "cp949"}) {
    if (encoding == name) return true;
  }
  return false;
}

struct Scored {
  const char* encoding;
  Counts counts;
  double score = 0;
  size_t text_hash = 0;  // of what the sample is in it
};

}  // namespace

EncodingGuess guess_encoding(std::string_view sample) {
  static const std::set<uint32_t> simplified = character_set(kSimplified);
  static const std::set<uint32_t> traditional = character_set(kTraditional);
  static const std::set<uint32_t> japanese = character_set(kJapanese);
  static const std::set<uint32_t> korean = character_set(kKorean);
  static const std::set<uint32_t> thai = character_set(kThai);
  // By language: French, German, Spanish, Portuguese, Italian, of the North, Dutch.
  static const auto western =
      letter_sets({"éèàùâêîôûçëïüœæÿÉÈÀÙÂÊÎÔÛÇËÏÜŒÆ", "äöüßÄÖÜé", "ñáéíóúüÑÁÉÍÓÚÜ¿¡ºª",
                   "ãõáéíóúâêôçàÃÕÁÉÍÓÚÂÊÔÇÀºª", "àèéìòùÀÈÉÌÒÙ", "åäöæøéÅÄÖÆØÉ", "ëïéèüöËÏÉ",
                   "áéíóúýþæöðÁÉÍÓÚÝÞÆÖÐ"});
  // Polish, Czech and Slovak, Hungarian, Romanian, of the South.
  static const auto central =
      letter_sets({"ąćęłńóśźżĄĆĘŁŃÓŚŹŻ", "áčďéěíňóřšťúůýžľĺŕôäÁČĎÉĚÍŇÓŘŠŤÚŮÝŽĽ",
                   "áéíóöőúüűÁÉÍÓÖŐÚÜŰ", "ăâîşţĂÂÎŞŢ", "čćđšžČĆĐŠŽ"});
  static const auto turkish = letter_sets({"çğıöşüÇĞİÖŞÜâîû"});
  // Lithuanian, Latvian, Estonian.
  static const auto baltic =
      letter_sets({"ąčęėįšųūžĄČĘĖĮŠŲŪŽ", "āčēģīķļņšūžĀČĒĢĪĶĻŅŠŪŽ", "õäöüšžÕÄÖÜŠŽ"});
  static const Script cyrillic =
      make_script({"оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", "оаниіветрсклудмпязьбгчхйжїшюєцщфґ"}, 0x401,
                  0x491, true);
  static const Script greek =
      make_script({"αοιετσνηυρπκμλωςάίόέδγχθήφβύώξζψϊϋ"}, 0x386, 0x3CE, true);
  static const Script hebrew = make_script({"יוהלארמתשנבםדעחקפכןטגצסזךףץ"}, 0x5B0, 0x5EA, false);
  static const Script arabic =
      make_script({"اليمونرتبةعدفهسكقأحجشصطىخإذضزءآثغئظؤ"}, 0x60C, 0x6D2, false);

  enum class Judge {
    kSimplified,
    kTraditional,
    kJapanese,
    kKorean,
    kCyrillic,
    kGreek,
    kHebrew,
    kArabic,
    kThai,
    kWestern,
    kCentral,
    kTurkish,
    kBaltic
  };
  struct Candidate {
    const char* encoding;
    Judge judge;
    double weight;  // of two that fit alike the commoner one is meant
  };
  // A superset of an encoding stands behind it: it is the guess only where the other fails.
  constexpr Candidate kCandidates[] = {
      {"gb18030", Judge::kSimplified, 1.0},
      {"big5", Judge::kTraditional, 1.0},
      {"cp950", Judge::kTraditional, 0.99},
      {"big5-hkscs", Judge::kTraditional, 0.98},
      {"shift-jis", Judge::kJapanese, 1.0},
      {"cp932", Judge::kJapanese, 0.99},
      {"euc-jp", Judge::kJapanese, 1.0},
      {"euc-kr", Judge::kKorean, 1.0},
      {"cp949", Judge::kKorean, 0.99},
      {"cp1251", Judge::kCyrillic, 1.0},
      {"koi8-r", Judge::kCyrillic, 0.98},
      {"koi8-u", Judge::kCyrillic, 0.97},
      {"cp866", Judge::kCyrillic, 0.97},
      {"iso-8859-5", Judge::kCyrillic, 0.9},
      {"mac-cyrillic", Judge::kCyrillic, 0.88},
      {"cp1253", Judge::kGreek, 0.98},
      {"iso-8859-7", Judge::kGreek, 0.97},
      {"cp1255", Judge::kHebrew, 0.97},
      {"cp1256", Judge::kArabic, 0.95},
      {"iso-8859-6", Judge::kArabic, 0.94},
      {"cp874", Judge::kThai, 0.95},
      {"cp1252", Judge::kWestern, 1.0},
      {"latin-9", Judge::kWestern, 0.99},
      {"cp1250", Judge::kCentral, 0.97},
      {"latin-2", Judge::kCentral, 0.965},
      {"cp1254", Judge::kTurkish, 0.96},
      {"cp1257", Judge::kBaltic, 0.95},
      {"latin-1", Judge::kWestern, 0.7},
  };
  std::vector<Scored> scored;
  std::string decoded;
  for (const Candidate& candidate : kCandidates) {
    if (!decode_sample(sample, candidate.encoding, &decoded)) continue;
    const std::vector<uint32_t> text = code_points(decoded);
    Counts counts;
    switch (candidate.judge) {
      case Judge::kSimplified: counts = judge_east_asian(text, simplified, false, false); break;
      case Judge::kTraditional: counts = judge_east_asian(text, traditional, false, false); break;
      case Judge::kJapanese: counts = judge_east_asian(text, japanese, true, false); break;
      case Judge::kKorean: counts = judge_east_asian(text, korean, false, true); break;
      case Judge::kCyrillic: counts = judge_script(text, cyrillic); break;
      case Judge::kGreek: counts = judge_script(text, greek); break;
      case Judge::kHebrew: counts = judge_script(text, hebrew); break;
      case Judge::kArabic: counts = judge_script(text, arabic); break;
      case Judge::kThai: counts = judge_thai(text, thai); break;
      case Judge::kWestern: counts = judge_latin(text, western); break;
      case Judge::kCentral: counts = judge_latin(text, central); break;
      case Judge::kTurkish: counts = judge_latin(text, turkish); break;
      case Judge::kBaltic: counts = judge_latin(text, baltic); break;
    }
    if (counts.characters == 0) continue;
    const double share = counts.points / static_cast<double>(counts.characters);
    scored.push_back({candidate.encoding, counts, std::max(0.0, share * candidate.weight),
                      std::hash<std::string>()(decoded)});
  }
  // Text of one byte a character hardly ever makes everyday text of several, but the other way
  // round it does.
  const bool several = std::any_of(scored.begin(), scored.end(), [&](const Scored& one) {
    return has_several_bytes(one.encoding) && one.score >= 0.7;
  });
  for (Scored& one : scored) {
    if (several && !has_several_bytes(one.encoding)) one.score *= 0.75;
  }
  std::stable_sort(scored.begin(), scored.end(),
                   [](const Scored& a, const Scored& b) { return a.score > b.score; });
  EncodingGuess guess;
  if (scored.empty() || scored[0].score <= 0) return guess;
  const Scored& best = scored[0];
  guess.encoding = best.encoding;
  guess.score = best.score;
  guess.reason = concat(best.counts.common, " of ", best.counts.characters,
                        " characters beyond ASCII are common ones in ", best.encoding);
  // Who reads the same text is no rival.
  double rival = 0;
  for (const Scored& other : scored) {
    if (other.text_hash == best.text_hash) continue;
    rival = other.score;
    guess.reason += concat("; next is ", other.encoding, " with ", other.counts.common);
    break;
  }
  const double lead = best.score - rival;
  // One byte a character: any bytes can be read in many of them, so nothing is ever sure.
  const bool several_bytes = has_several_bytes(best.encoding);
  if (several_bytes && best.score >= 0.7 && lead >= 0.15 && best.counts.characters >= 8) {
    guess.confidence = "high";
  } else if (best.score >= 0.6 && lead >= 0.08 && best.counts.characters >= 3) {
    guess.confidence = "medium";
  } else {
    guess.confidence = "low";
  }
  return guess;
}

std::string encoding_advice(const EncodingGuess& guess) {
  if (guess.encoding.empty()) return "convert the file to UTF-8, or name its encoding";
  return concat("the text looks like ", guess.encoding, " (confidence ", guess.confidence,
                "): read with encoding='", guess.encoding, "'");
}

}  // namespace velaria
