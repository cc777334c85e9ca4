/* The eight kinds of event: who records each, which results it may carry, where it moves the lot. */
#include <string.h>

#include "api/kinds.h"
#include "suite.h"

START_TEST(every_kind_has_its_recorders_and_nobody_else)
{
	static const struct right {
		enum kind kind;
		unsigned roles;
	} rights[] = {
		{ KIND_HARVEST, PRODUCER },
		{ KIND_PROCESSING, PRODUCER | PACKER },
		{ KIND_PACKAGING, PRODUCER | PACKER },
		{ KIND_TRANSPORT_START, PRODUCER | EXPORTER },
		{ KIND_TRANSPORT_ARRIVAL, EXPORTER },
		{ KIND_CUSTOMS_CLEARANCE, EXPORTER },
		{ KIND_QUALITY_INSPECTION, CERTIFIER },
		{ KIND_DELIVERY, BUYER },
	};

	ck_assert_uint_eq(ARRAY_SIZE(rights), KIND_COUNT);
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++)
		ck_assert_msg(
			kinds[rights[i].kind].roles == rights[i].roles, "%s", kind_names[rights[i].kind]);
}
END_TEST

START_TEST(names_stand_in_the_order_of_the_kinds)
{
	ck_assert_str_eq(kind_names[KIND_HARVEST], "HARVEST");
	ck_assert_str_eq(kind_names[KIND_PROCESSING], "PROCESSING");
	ck_assert_str_eq(kind_names[KIND_QUALITY_INSPECTION], "QUALITY_INSPECTION");
	ck_assert_str_eq(kind_names[KIND_PACKAGING], "PACKAGING");
	ck_assert_str_eq(kind_names[KIND_TRANSPORT_START], "TRANSPORT_START");
	ck_assert_str_eq(kind_names[KIND_TRANSPORT_ARRIVAL], "TRANSPORT_ARRIVAL");
	ck_assert_str_eq(kind_names[KIND_CUSTOMS_CLEARANCE], "CUSTOMS_CLEARANCE");
	ck_assert_str_eq(kind_names[KIND_DELIVERY], "DELIVERY");
	ck_assert_ptr_eq(kind_names[KIND_COUNT], NULL);
	ck_assert_str_eq(result_names[RESULT_ACCEPTED], "accepted");
	ck_assert_str_eq(result_names[RESULT_REJECTED], "rejected");
	ck_assert_str_eq(result_names[RESULT_CONFORMANT], "conformant");
	ck_assert_str_eq(result_names[RESULT_NON_CONFORMANT], "non_conformant");
	ck_assert_ptr_eq(result_names[RESULT_COUNT], NULL);
}
END_TEST

START_TEST(only_shipping_moves_a_lot)
{
	static const struct move {
		enum kind kind;
		const char *status;
	} moves[] = {
		{ KIND_TRANSPORT_START, "IN_TRANSIT" },
		{ KIND_TRANSPORT_ARRIVAL, "ARRIVED" },
		{ KIND_DELIVERY, "DELIVERED" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(moves); i++)
		ck_assert_str_eq(kinds[moves[i].kind].status, moves[i].status);
	ck_assert_str_eq(kinds[KIND_DELIVERY].refused, "REJECTED");
	for (int k = 0; k < KIND_COUNT; k++)
		if (!kinds[k].ships) {
			ck_assert_ptr_eq(kinds[k].status, NULL);
			ck_assert_ptr_eq(kinds[k].refused, NULL);
		}
	ck_assert(kinds[KIND_CUSTOMS_CLEARANCE]
			  .ships); /* refused on a lot that is held, though it moves nothing */
	ck_assert_ptr_eq(kinds[KIND_CUSTOMS_CLEARANCE].status, NULL);
	ck_assert(!kinds[KIND_QUALITY_INSPECTION].ships); /* a held lot is inspected */
}
END_TEST

START_TEST(a_delivery_says_how_it_ended_and_an_inspection_may)
{
	for (int k = 0; k < KIND_COUNT; k++) {
		bool may = k == KIND_DELIVERY || k == KIND_QUALITY_INSPECTION;
		ck_assert_msg((kinds[k].results != 0) == may, "%s", kind_names[k]);
		ck_assert_msg(kinds[k].result_needed == (k == KIND_DELIVERY), "%s", kind_names[k]);
	}
	ck_assert_uint_eq(kinds[KIND_DELIVERY].results, 1u << RESULT_ACCEPTED | 1u << RESULT_REJECTED);
	ck_assert_uint_eq(kinds[KIND_QUALITY_INSPECTION].results, (1u << RESULT_COUNT) - 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_kind_has_its_recorders_and_nobody_else,
		names_stand_in_the_order_of_the_kinds,
		only_shipping_moves_a_lot,
		a_delivery_says_how_it_ended_and_an_inspection_may,
	};

	return suite_run("kinds", tests, ARRAY_SIZE(tests));
}
