#define CAF_SUITE doctor

#include "hosts/common/doctor_text.hpp"
#include "tests/hosts/doctor_fixture.hpp"

using namespace peapod;
using namespace peapod::test;

CAF_TEST(nothing is found where all is well) {
  CAF_CHECK_EQUAL(ids_of(examine(healthy())), "");
}

CAF_TEST(problems come before warnings and notes) {
  auto x = healthy();
  x.system.clock_set = false;
  x.status->daemon.version = "0";
  x.options.pool.enabled = false;
  CAF_CHECK_EQUAL(ids_of(examine(x)), "problem:pooling-off "
                                      "warning:daemon-outdated "
                                      "note:clock-unset");
  CAF_CHECK(has_problem(examine(x)));
  x.options.pool.enabled = true;
  CAF_CHECK(!has_problem(examine(x)));
}

CAF_TEST(findings are printed with their evidence and fix) {
  auto x = healthy();
  x.options.pool.enabled = false;
  auto text = to_text(doctor_lines(x, examine(x)));
  CAF_CHECK(contains(text, "problem: Downloads of this device are not shared "
                           "out. [pooling-off]\n"));
  CAF_CHECK(contains(text, "  seen: [pool] enabled=false\n"));
  CAF_CHECK(contains(text, "  fix:  Set [pool] enabled=true.\n"));
  CAF_CHECK(contains(text, "1 problem in the way\n"));
  auto well = to_text(doctor_lines(healthy(), {}));
  CAF_CHECK(contains(well, "nothing is in the way of a pod here\n"));
}

CAF_TEST(what others say cannot write on the screen) {
  auto x = healthy();
  x.status->peers[0].pauses = true;
  x.status->peers[0].name = "a\x1b[2J";
  auto text = to_text(doctor_lines(x, examine(x)));
  CAF_CHECK(!contains(text, "\x1b"));
}

CAF_TEST(programs get the findings and the facts as JSON) {
  auto x = healthy();
  x.options.pool.enabled = false;
  auto out = doctor_json(x, examine(x));
  CAF_CHECK_EQUAL(out.at("ok").as_bool(), false);
  CAF_CHECK_EQUAL(out.at("findings").as_array().size(), 1u);
  auto& first = out.at("findings").as_array().at(0).as_object();
  CAF_CHECK_EQUAL(std::string{first.at("id").as_string()}, "pooling-off");
  CAF_CHECK_EQUAL(std::string{first.at("severity").as_string()}, "problem");
  auto& facts = out.at("facts").as_object();
  CAF_CHECK_EQUAL(facts.at("multicast").as_array().size(), 2u);
  CAF_CHECK_EQUAL(std::string{facts.at("way_out").as_string()}, "wan0");
  auto fine = doctor_json(healthy(), {});
  CAF_CHECK_EQUAL(fine.at("ok").as_bool(), true);
}
