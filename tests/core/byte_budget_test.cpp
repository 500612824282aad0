#define CAF_SUITE byte_budget

#include "core/byte_budget.hpp"

#include <thread>
#include <vector>

#include <caf/test/unit_test.hpp>

using namespace peapod;

CAF_TEST(a budget hands out no more than its limit) {
  byte_budget budget{100};
  CAF_CHECK(budget.try_reserve(60));
  CAF_CHECK(!budget.try_reserve(41));
  CAF_CHECK(budget.try_reserve(40));
  CAF_CHECK_EQUAL(budget.available(), 0u);
  CAF_CHECK(!budget.try_reserve(1));
  CAF_CHECK(!budget.try_reserve(UINT64_MAX));
  CAF_CHECK(budget.try_reserve(0));
}

CAF_TEST(what is released can be reserved again) {
  byte_budget budget{10};
  CAF_REQUIRE(budget.try_reserve(10));
  budget.release(4);
  CAF_CHECK_EQUAL(budget.used(), 6u);
  CAF_CHECK(budget.try_reserve(4));
}

CAF_TEST(the high water mark is the most that was ever used at once) {
  byte_budget budget{100};
  CAF_REQUIRE(budget.try_reserve(30));
  budget.release(30);
  CAF_REQUIRE(budget.try_reserve(20));
  CAF_CHECK_EQUAL(budget.high_water(), 30u);
}

CAF_TEST(a reservation gives its bytes back once) {
  auto budget = std::make_shared<byte_budget>(100);
  {
    auto x = byte_reservation::make(budget, 70);
    CAF_REQUIRE(x.has_value());
    CAF_CHECK(!byte_reservation::make(budget, 31));
    auto y = std::move(*x);
    CAF_CHECK_EQUAL(x->size(), 0u);
    CAF_CHECK_EQUAL(y.size(), 70u);
    CAF_CHECK_EQUAL(budget->used(), 70u);
    y.shrink(50);
    y.shrink(60);
    CAF_CHECK_EQUAL(budget->used(), 50u);
  }
  CAF_CHECK_EQUAL(budget->used(), 0u);
}

CAF_TEST(assigning to a reservation gives back what it had) {
  auto budget = std::make_shared<byte_budget>(100);
  auto x = byte_reservation::make(budget, 10);
  auto y = byte_reservation::make(budget, 20);
  CAF_REQUIRE(x && y);
  *x = std::move(*y);
  CAF_CHECK_EQUAL(budget->used(), 20u);
  x->reset();
  x->reset();
  CAF_CHECK_EQUAL(budget->used(), 0u);
}

CAF_TEST(many threads together stay within the limit) {
  byte_budget budget{64};
  std::vector<std::thread> threads;
  for (uint64_t size : {1, 7, 13, 40})
    threads.emplace_back([&budget, size] {
      for (int i = 0; i < 20'000; ++i)
        if (budget.try_reserve(size))
          budget.release(size);
    });
  for (auto& x : threads)
    x.join();
  CAF_CHECK_EQUAL(budget.used(), 0u);
  CAF_CHECK(budget.high_water() <= 64);
  CAF_CHECK(budget.high_water() >= 40);
}
