// Files by reader, by SQL and by path: one schema and one set of rows, whichever way.
#include "tests/session/session_testing.h"

namespace velaria {
namespace {

constexpr char kFlights[] =
    "id,carrier,zip,delay,day\n"
    "1,UA,02134,1.5,2013-01-01\n"
    "2,\"B6, Inc.\",00501,,2013-01-02\n"
    "3,\"\",90210,-2,2013-01-03\n";

const Rows kFlightRows = {"1|UA|02134|1.5|2013-01-01", "2|B6, Inc.|00501|NULL|2013-01-02",
                          "3|(empty)|90210|-2.0|2013-01-03"};
constexpr char kFlightSchema[] = "id int64, carrier utf8, zip utf8, delay float64, day date32";

TEST(FileSourceTest, EveryWayGivesTheSameSchemaAndRows) {
  const std::string path = write_file("flights.csv", kFlights);
  DataflowSession session;
  session.sql("CREATE TABLE probed OPTIONS(path: '" + path + "')");
  session.sql("CREATE TABLE chosen USING csv OPTIONS(path: '" + path + "')");
  const std::vector<DataFrame> ways = {session.read_csv(path),
                                       session.read(path),
                                       session.table("probed"),
                                       session.table("chosen"),
                                       session.sql("SELECT * FROM '" + path + "'"),
                                       session.read_csv(path, Texts{{"delimiter", ","}})};
  for (size_t i = 0; i < ways.size(); ++i) {
    EXPECT_EQ(ways[i].schema().to_string(), kFlightSchema) << "way " << i;
    EXPECT_EQ(rows_of(ways[i]), kFlightRows) << "way " << i;
    EXPECT_EQ(ways[i].count(), 3) << "way " << i;
  }
}

TEST(FileSourceTest, VerbsAndSqlAreOneThing) {
  const std::string path = write_file("verbs.csv", kFlights);
  DataflowSession session;
  const DataFrame flights = session.read_csv(path);
  session.create_temp_view("flights", flights);
  const DataFrame verbs = flights.filter("id > 1")
                              .with_column("twice", "id * 2")
                              .select({"carrier", "twice AS n"})
                              .order_by({"n DESC"})
                              .limit(1);
  EXPECT_EQ(rows_of(verbs), Rows{"(empty)|6"});
  EXPECT_EQ(rows_of(verbs), rows_of(session.sql("SELECT carrier, id * 2 AS n FROM flights "
                                                "WHERE id > 1 ORDER BY n DESC LIMIT 1")));
  EXPECT_EQ(rows_of(flights.drop({"zip", "day"}).limit(1, 1)), Rows{"2|B6, Inc.|NULL"});
  EXPECT_EQ(rows_of(flights.group_by({"day > '2013-01-01'"}).agg({"count(*) AS n", "sum(delay)"})),
            (Rows{"false|1|1.5", "true|2|-2.0"}));
  EXPECT_ERROR(flights.filter("idd > 1"), "SqlSemanticError", "did you mean 'id'");
}

TEST(FileSourceTest, ASchemaThatIsGivenIsTaken) {
  const std::string path = write_file("typed.csv", kFlights);
  DataflowSession session;
  const DataFrame typed = session.read_csv(
      path, Texts{{"columns", "id utf8, carrier utf8, zip int64, delay float64, day utf8"}});
  EXPECT_EQ(rows_of(typed.select({"id || '!'", "zip"})), (Rows{"1!|2134", "2!|501", "3!|90210"}));
  EXPECT_ERROR(session.read_csv(path, Texts{{"types", "carrier int64"}}).collect(),
               "TypeMismatchError", "UA");
  EXPECT_ERROR(session.read_csv(path, Texts{{"delimitr", ","}}), "InvalidArgumentError",
               "did you mean 'delimiter'");
}

TEST(FileSourceTest, UsingOverridesWhatTheFileLooksLike) {
  // Probing would take the semicolon.
  const std::string path = write_file("odd.csv", "a;b\n1;2\n3;4\n");
  DataflowSession session;
  EXPECT_EQ(session.read(path).schema().to_string(), "a int64, b int64");
  session.sql("CREATE TABLE odd USING csv OPTIONS(path: '" + path + "', delimiter: ',')");
  EXPECT_EQ(rows_of(session.sql("SELECT * FROM odd")), (Rows{"1;2", "3;4"}));
}

TEST(FileSourceTest, IntegersKeepTheirDigitsWhereverTheyStand) {
  std::string content = "n,code\n";
  for (int i = 0; i < 50000; ++i) content += std::to_string(i) + ",1\n";
  content += "9007199254740993,007\n";
  const std::string path = write_file("late.csv", content);
  DataflowSession session;
  const DataFrame frame = session.read_csv(path);
  EXPECT_EQ(frame.schema().to_string(), "n int64, code utf8");
  EXPECT_EQ(rows_of(frame.filter("n > 1000000")), Rows{"9007199254740993|007"});
  EXPECT_EQ(frame.count(), 50001);
}

TEST(FileSourceTest, DefectsAreNamedWithTheirPlace) {
  DataflowSession session;
  const std::string ragged = write_file("ragged.csv", "a,b\n1,2\n3\n");
  EXPECT_ERROR(session.read_csv(ragged).collect(), "FileFormatError", "3");
  EXPECT_EQ(rows_of(session.read_csv(ragged, Texts{{"ragged", "pad"}})), (Rows{"1|2", "3|NULL"}));
  EXPECT_ERROR(session.read_csv(temp_path("nowhere.csv")), "FileAccessError", "nowhere.csv");
  const std::string quote = write_file("quote.csv", "a\n\"never closed\n");
  EXPECT_ERROR(session.read_csv(quote).collect(), "FileFormatError", "quote");
}

TEST(FileSourceTest, PathsOutsideOfTheAllowedOnesStayClosed) {
  const std::string inside = write_file("inside/a.csv", "a\n1\n");
  const std::string outside = write_file("outside.csv", "a\n1\n");
  SessionOptions options;
  options.allowed_paths = {{temp_path("inside")}};
  DataflowSession session(options);
  EXPECT_EQ(session.read_csv(inside).count(), 1);
  EXPECT_ERROR(session.read_csv(outside), "FileAccessError", "outside.csv");
  EXPECT_ERROR(session.probe(outside), "FileAccessError", "outside.csv");
  EXPECT_ERROR(session.sql("SELECT * FROM '" + outside + "'"), "FileAccessError", "outside.csv");
}

TEST(FileSourceTest, AClosedSessionSaysSo) {
  const std::string path = write_file("closing.csv", "a\n1\n");
  DataflowSession session;
  const DataFrame frame = session.read_csv(path);
  session.close();
  EXPECT_ERROR(frame.collect(), "InvalidArgumentError", "closed");
  EXPECT_ERROR(session.read_csv(path), "InvalidArgumentError", "closed");
}

TEST(FileSourceTest, SessionsDoNotKnowEachOther) {
  DataflowSession first;
  DataflowSession second;
  first.sql("CREATE TABLE t AS SELECT 1 AS a");
  EXPECT_ERROR(second.sql("SELECT * FROM t"), "CatalogError", "'t' does not exist");
  EXPECT_EQ(first.tables(), std::vector<std::string>{"t"});
  EXPECT_TRUE(second.tables().empty());
}

}  // namespace
}  // namespace velaria
