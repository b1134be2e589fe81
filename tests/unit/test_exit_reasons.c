/* SPDX-License-Identifier: MIT */
/* Names of exits; where this machine has the kernel's own tables, they are asked. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#if defined(__x86_64__)
#include <asm/svm.h>
#include <asm/vmx.h>
#endif

#include "lib/model/exit_reasons.h"

static void test_names(void **state)
{
	char buffer[EXIT_REASON_NAME_BYTES];

	(void)state;
	assert_string_equal(exit_reason_name(EXIT_ISA_SVM, 0x81, buffer), "hypercall");
	assert_string_equal(exit_reason_name(EXIT_ISA_SVM, 0x400, buffer), "npf");
	assert_string_equal(exit_reason_name(EXIT_ISA_SVM, 0xffffffff, buffer), "invalid_guest_state");
	assert_string_equal(exit_reason_name(EXIT_ISA_SVM, 0x404, buffer), "0x404");
	assert_string_equal(exit_reason_name(EXIT_ISA_SVM, 1, buffer), "0x1");
	assert_string_equal(exit_reason_name(EXIT_ISA_VMX, 48, buffer), "EPT_VIOLATION");
	assert_string_equal(exit_reason_name(EXIT_ISA_VMX, 0x80000021, buffer), "INVALID_STATE!");
	assert_string_equal(exit_reason_name(EXIT_ISA_VMX, 0x7fff, buffer), "0x7fff");
	assert_string_equal(exit_reason_name(EXIT_ISA_VMX, 35, buffer), "0x23");
	assert_string_equal(exit_reason_name(EXIT_ISA_XEN_PV, 4, buffer), "page_fault");
	assert_string_equal(exit_reason_name(EXIT_ISA_XEN_PV, EXIT_XEN_PV_BLOCK, buffer), "block");
	assert_string_equal(exit_reason_name(EXIT_ISA_XEN_PV, 2, buffer), "0x2");
	assert_string_equal(exit_reason_name(EXIT_ISA_XEN_PV, 0x81, buffer), "0x81");
	assert_string_equal(exit_reason_name(4, 0x81, buffer), "0x81");
}

static void test_kinds(void **state)
{
	(void)state;
	assert_true(exit_reason_is_hypercall(EXIT_ISA_SVM, 0x81));
	assert_true(exit_reason_is_hypercall(EXIT_ISA_VMX, 18));
	assert_false(exit_reason_is_hypercall(EXIT_ISA_VMX, 0x81));
	assert_true(exit_reason_is_halt(EXIT_ISA_SVM, 0x78));
	assert_true(exit_reason_is_halt(EXIT_ISA_VMX, 12));
	assert_true(exit_reason_is_hypercall(EXIT_ISA_XEN_PV, EXIT_XEN_PV_HYPERCALL));
	assert_true(exit_reason_is_halt(EXIT_ISA_XEN_PV, EXIT_XEN_PV_BLOCK));
	assert_false(exit_reason_is_halt(EXIT_ISA_UNKNOWN, 12));
}

#if defined(__x86_64__)
/* vectors, which asm/svm.h takes from a header of the kernel's own */
enum {
	DE_VECTOR,
	DB_VECTOR,
	BP_VECTOR = 3,
	OF_VECTOR,
	BR_VECTOR,
	UD_VECTOR,
	NM_VECTOR,
	DF_VECTOR,
	TS_VECTOR = 10,
	NP_VECTOR,
	SS_VECTOR,
	GP_VECTOR,
	PF_VECTOR,
	MF_VECTOR = 16,
	AC_VECTOR,
	MC_VECTOR,
	XM_VECTOR
};

static void test_as_the_kernel(void **state)
{
	static const struct {
		uint32_t reason;
		const char *name;
	} svm[] = {SVM_EXIT_REASONS}, vmx[] = {VMX_EXIT_REASONS};
	char buffer[EXIT_REASON_NAME_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(svm) / sizeof(svm[0]); i++) /* "read_rt" is a slip of theirs */
		if (!strstr(svm[i].name, "_rt"))
			assert_string_equal(
				exit_reason_name(EXIT_ISA_SVM, svm[i].reason, buffer), svm[i].name);
	for (size_t i = 0; i < sizeof(vmx) / sizeof(vmx[0]); i++)
		assert_string_equal(exit_reason_name(EXIT_ISA_VMX, vmx[i].reason, buffer), vmx[i].name);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_kinds),
#if defined(__x86_64__)
		cmocka_unit_test(test_as_the_kernel),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
