/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "tests/lib/rig_signer.h"
#include "tpm/attest_verify.h"

/* One state with keys and, until the last test, no policy. */
static struct rs rs;

static void
expect(const struct rig_output *o, int exit_status, const char *id)
{
	char want[80];

	(void)snprintf(want, sizeof(want), "coldseal-provision: %s:", id);
	if (o->status != exit_status || strstr(o->err, want) == NULL)
		fail_msg("not %s: %d\n%s", id, o->status, o->err);
}

static void
no_folder_left(const char *name)
{
	char text[RIG_PATH + 64], path[RIG_PATH];
	const char *argv[] = { "sh", "-c", text, NULL };
	_cleanup_output_ struct rig_output o = { 0 };

	rig_path(&rs.rig, name, path);
	(void)snprintf(text, sizeof(text), "ls -d %s* 2>/dev/null", path);
	rig_run(&rs.rig, argv, NULL, &o);
	assert_string_equal(o.out, "");
}

/* keys with one key, in a place of its own */
static void
keys(const char *name, const char *tcti, const char *conf, const char *key,
    bool rehearsal, struct rig_output *o)
{
	char state[RIG_PATH];
	const char *argv[] = { "coldseal-provision", "keys", "--state", state,
		"--origin", RS_ORIGIN, "--module", rs.rig.module, "--tcti",
		tcti, "--image", rs.rig.image, "--hsm-conf", conf, "--key", key,
		rehearsal ? "--rehearsal" : NULL, NULL };

	rig_path(&rs.rig, name, state);
	rig_run(&rs.rig, argv, NULL, o);
}

static void
keys_refused(const char *tcti, const char *conf, const char *key,
    bool rehearsal, int status, const char *id)
{
	_cleanup_output_ struct rig_output o = { 0 };

	keys("new", tcti, conf, key, rehearsal, &o);
	expect(&o, status, id);
	assert_string_equal(o.out, "");
	no_folder_left("new");
}

static void
keys_preflight(void **state)
{
	const char *key = "k,a,ecdsa-p256-sha256,raw";
	_cleanup_output_ struct rig_output o = { 0 };
	char conf[RIG_PATH];

	(void)state;
	rig_softhsm(&rs.rig, "fresh", conf);
	keys("state", rs.rig.tcti, conf, key, true, &o);
	expect(&o, 1, "PROVISION-STATE");
	keys_refused("swtpm:path=/nonexistent", conf, key, true, 4,
	    "TPM-CONNECT");
	keys_refused(rs.rig.tcti, conf, key, false, 1, "PROVISION-SOFTHSM");
	keys_refused(rs.rig.tcti, rs.rig.hsm_conf, key, true, 1,
	    "PROVISION-TOKEN-EXISTS");
	keys_refused(rs.rig.tcti, conf, "k,audit,ecdsa-p256-sha256,raw", true,
	    2, "USAGE");
	keys_refused(rs.rig.tcti, conf, "k,a,ecdsa-p521,raw", true, 2, "USAGE");
	keys_refused(rs.rig.tcti, conf, "k,a,ecdsa-p256-sha256,pgp", true, 2,
	    "USAGE");
	keys_refused(rs.rig.tcti, conf, "k,a,ed25519-sha512,cms", true, 2,
	    "USAGE");
	keys_refused(rs.rig.tcti, conf, "k,a,ecdsa-p256-sha256", true, 2,
	    "USAGE");
	keys_refused(rs.rig.tcti, conf, "K,a,ecdsa-p256-sha256,raw", true, 2,
	    "USAGE");
}

/* No PIN, and nothing that could hold one, is readable by others. */
static void
state_is_private(void **state)
{
	static const char *const paths[] = { "state", "state/sealed",
		"state/sealed/audit.seal", "state/sealed/release.seal",
		"state/site.json" };
	char path[RIG_PATH];
	struct stat st;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(paths); i++) {
		rig_path(&rs.rig, paths[i], path);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 077, 0);
	}
}

static uint8_t *
enrolled(const char *name, size_t *ret_len)
{
	char path[RIG_PATH], file[64];
	struct diag d = { 0 };
	uint8_t *p = NULL;

	(void)snprintf(file, sizeof(file), "state/enrol/%s", name);
	rig_path(&rs.rig, file, path);
	assert_int_equal(file_read(-100, path, ATTEST_MAX, &p, ret_len, &d), 0);
	return p;
}

/* What "coldseal attest enroll" is given; an answer needs a credential. */
static void
attestation(void **state)
{
	_cleanup_attest_ak_ struct attest_ak *ak = NULL;
	_cleanup_output_ struct rig_output none = { 0 }, other = { 0 };
	_cleanup_pubkey_ struct pubkey *ek = NULL;
	uint8_t name[ATTEST_NAME_LEN], *p;
	const char *argv[] = { "coldseal-provision", "enroll", "--state",
		rs.state, "--credential", rs.rig.image, NULL };
	struct diag d = { 0 };
	uint32_t index;
	size_t len;

	(void)state;
	p = enrolled("ek.pub", &len);
	assert_int_equal(attest_ek_parse(p, len, &ek, &d), 0);
	free(p);
	p = enrolled("ak.pub", &len);
	assert_int_equal(attest_ak_parse(p, len, &ak, &d), 0);
	assert_int_equal(attest_ak_check(ak, &d), 0);
	free(p);
	p = enrolled("anchor.pub", &len);
	assert_int_equal(attest_nv_parse(p, len, &index, name, &d), 0);
	assert_int_equal(index, tpm_nv_handle(TPM_NV_ANCHOR));
	free(p);
	rig_run(&rs.rig, argv, NULL, &other);
	expect(&other, 3, "ATTEST-CREDENTIAL-FORM");
	argv[4] = NULL;
	rig_run(&rs.rig, argv, NULL, &none);
	expect(&none, 2, "USAGE");
}

static void
policy(const char *envelope, size_t len, struct rig_output *o)
{
	char path[RIG_PATH];
	const char *argv[] = { "coldseal-provision", "policy", "--state",
		rs.state, "--policy", path, NULL };

	rig_write(&rs.rig, "p.dsse", envelope, len, path);
	rig_run(&rs.rig, argv, NULL, o);
}

static void
policy_refused(char *envelope, size_t len, const char *id)
{
	_cleanup_output_ struct rig_output o = { 0 };
	char path[RIG_PATH];

	policy(envelope, len, &o);
	expect(&o, err_exit(err_from_id(id)), id);
	rig_path(&rs.rig, "state/policy.dsse", path);
	assert_false(file_exists(-100, path));
	free(envelope);
}

static void
swap_keys(size_t a, size_t b)
{
	char *k = rs.keys[a].public_key;

	rs.keys[a].public_key = rs.keys[b].public_key;
	rs.keys[b].public_key = k;
}

static void
policy_checks(void **state)
{
	struct rig_key saved = rs.keys[2];
	char *env, *digit;
	size_t len;

	(void)state;
	env = rs_policy(&rs, "p", 2, true, "coldseal.example/other", &len);
	policy_refused(env, len, "PROVISION-ORIGIN");
	env = rs_policy(&rs, "p", 2, false, RS_ORIGIN, &len);
	policy_refused(env, len, "PROVISION-SOFTHSM");
	/* not signed by its administrator */
	env = rs_policy(&rs, "p", 2, true, RS_ORIGIN, &len);
	digit = strstr(env, "\"sig\":\"") + 20;
	*digit = *digit == 'A' ? 'B' : 'A'; /* still base64 */
	policy_refused(env, len, "POLICY-SIGNATURE");
	/* the RSA keys' URIs changed places: the same type, another key */
	swap_keys(0, 1);
	env = rs_policy(&rs, "p", 2, true, RS_ORIGIN, &len);
	policy_refused(env, len, "HSM-KEY-MISMATCH");
	swap_keys(0, 1);
	/* a domain nobody provisioned */
	(void)snprintf(rs.keys[2].domain, sizeof(rs.keys[2].domain), "moon");
	(void)snprintf(rs.keys[2].uri, sizeof(rs.keys[2].uri),
	    "pkcs11:token=coldseal-moon;id=%%01");
	env = rs_policy(&rs, "p", 2, true, RS_ORIGIN, &len);
	rs.keys[2] = saved;
	policy_refused(env, len, "PROVISION-DOMAIN");
}

static void
shell(const char *line)
{
	char text[RIG_PATH + 256];
	const char *argv[] = { "sh", "-c", text, NULL };
	_cleanup_output_ struct rig_output o = { 0 };

	(void)snprintf(text, sizeof(text), "cd %s/state && %s", rs.rig.dir,
	    line);
	rig_run(&rs.rig, argv, NULL, &o);
	assert_int_equal(o.status, 0);
}

/* What the policy says of this place, and what the place says. */
static void
policy_and_site(void **state)
{
	char saved[RS_KEYS][sizeof(rs.keys[0].uri)];
	char *env;
	size_t len, i;

	(void)state;
	shell("cp site.json ../s && sed -i s/:true/:false/ site.json");
	env = rs_policy(&rs, "p", 2, true, RS_ORIGIN, &len);
	policy_refused(env, len, "PROVISION-REHEARSAL");
	shell("cp ../s site.json && mv sealed/boot.seal ..");
	env = rs_policy(&rs, "p", 2, true, RS_ORIGIN, &len);
	policy_refused(env, len, "PROVISION-DOMAIN");
	shell("mv ../boot.seal sealed");
	/* a PIN is not tried on a token that it was not made for */
	for (i = 0; i < RS_KEYS; i++) {
		memcpy(saved[i], rs.keys[i].uri, sizeof(saved[i]));
		memcpy(strstr(rs.keys[i].uri, "coldseal-"), "sealcold-", 9);
	}
	rs.token_prefix = "sealcold-";
	env = rs_policy(&rs, "p", 2, true, RS_ORIGIN, &len);
	rs.token_prefix = NULL;
	for (i = 0; i < RS_KEYS; i++)
		memcpy(rs.keys[i].uri, saved[i], sizeof(saved[i]));
	policy_refused(env, len, "PROVISION-DOMAIN");
}

static void
with_custodians(const char *envelope, size_t len, const char *a, const char *b,
    const char *threshold, struct rig_output *o)
{
	char path[RIG_PATH], one[RIG_PATH], two[RIG_PATH];
	const char *argv[] = { "coldseal-provision", "policy", "--state",
		rs.state, "--policy", path, "--custodian", one, "--custodian",
		two, "--custodian-threshold", threshold, NULL };

	rig_write(&rs.rig, "p.dsse", envelope, len, path);
	rig_path(&rs.rig, a, one);
	rig_path(&rs.rig, b, two);
	rig_run(&rs.rig, argv, NULL, o);
}

static void
custodians_refused(const char *a, const char *b, const char *threshold,
    int status, const char *id)
{
	_cleanup_output_ struct rig_output o = { 0 };
	_cleanup_free_ char *env = NULL;
	size_t len;

	env = rs_policy(&rs, "p", 2, true, RS_ORIGIN, &len);
	with_custodians(env, len, a, b, threshold, &o);
	expect(&o, status, id);
	shell("test ! -e policy.dsse -a ! -e enrol/recovery");
}

static void
custodians(void **state)
{
	char *env;
	size_t len;

	(void)state;
	shell("for n in anna ben; do openssl req -x509 -newkey ec -pkeyopt "
	      "ec_paramgen_curve:P-256 -nodes -keyout ../$n.key -subj /CN=$n "
	      "-addext keyUsage=critical,keyAgreement -out ../$n.crt "
	      "2>/dev/null || exit 1; done");
	shell("cp site.json ../s && sed -i s/:true/:false/ site.json");
	env = rs_policy(&rs, "p", 2, false, RS_ORIGIN, &len);
	policy_refused(env, len, "PROVISION-CUSTODIANS");
	shell("cp ../s site.json");
	custodians_refused("anna.crt", "ben.crt", "3", 1, "RECOVER-THRESHOLD");
	custodians_refused("anna.crt", "ben.crt", "1", 2, "USAGE");
	custodians_refused("anna.crt", "anna.crt", "2", 1, "RECOVER-CUSTODIAN");
	custodians_refused("anna.crt", "ben.key", "2", 3, "SHARE-CERT");
	custodians_refused("anna.crt", "nobody.crt", "2", 4, "IO");
}

static void
tpm2(const char *line)
{
	char text[RIG_PATH + 128];

	(void)snprintf(text, sizeof(text), "TPM2TOOLS_TCTI=%s tpm2_%s",
	    rs.rig.tcti, line);
	shell(text);
}

/* An authorisation of somebody else could not be escrowed. */
static void
owned_by_another(void **state)
{
	(void)state;
	tpm2("changeauth -c l secret");
	custodians_refused("anna.crt", "ben.crt", "2", 1, "PROVISION-OWNER");
	tpm2("changeauth -c l -p secret");
	tpm2("changeauth -c o secret");
	custodians_refused("anna.crt", "ben.crt", "2", 1, "PROVISION-OWNER");
	tpm2("changeauth -c o -p secret");
}

static void
recover_refused(const char *out, int status, const char *id)
{
	_cleanup_output_ struct rig_output o = { 0 };
	const char *argv[] = { "coldseal-provision", "recover", "--state",
		rs.state, "--image", rs.rig.image, "--in", "/nonexistent",
		out == NULL ? NULL : "--out", out, NULL };

	rig_run(&rs.rig, argv, NULL, &o);
	expect(&o, status, id);
}

/*
 * Stopped when the counter had moved, before the shares were published and
 * the TPM's authorisations set: the same command goes on with both.
 */
static void
custodians_go_on(void **state)
{
	_cleanup_output_ struct rig_output o = { 0 }, again = { 0 };
	_cleanup_free_ char *env = NULL;
	size_t len;

	(void)state;
	shell("mkdir -p enrol/recovery/in-the-way");
	env = rs_policy(&rs, "p", 2, true, RS_ORIGIN, &len);
	with_custodians(env, len, "anna.crt", "ben.crt", "2", &o);
	expect(&o, 4, "IO");
	shell("test -e sealed/owner.keep -a ! -e policy.dsse");
	recover_refused("/nonexistent", 1, "PROVISION-SAME-TPM");
	shell("sha256sum enrol/recovery.new/tpm/* | cut -c 1-64 >../sums");
	shell("rm -r enrol/recovery");
	with_custodians(env, len, "anna.crt", "ben.crt", "2", &again);
	if (again.status != 0)
		fail_msg("%s", again.err);
	assert_non_null(strstr(again.out, "policy p version 1 accepted"));
	shell("test ! -e sealed/owner.keep -a -e policy.dsse");
	shell("sha256sum enrol/recovery/tpm/* | cut -c 1-64 | cmp - ../sums");
	shell("test $(ls enrol/recovery/*/share-2.p7m | wc -l) = 4");
	tpm2("getcap properties-variable | grep -q 'lockoutAuthSet: *1'");
	tpm2("getcap properties-variable | grep -q 'ownerAuthSet: *1'");
}

/* What comes before any custodian is asked; the rest is in recover.t. */
static void
recover_preflight(void **state)
{
	(void)state;
	recover_refused(NULL, 2, "USAGE");
	recover_refused("/nonexistent", 1, "PROVISION-SAME-TPM");
	/* another TPM, and a log without a checkpoint */
	shell("cp sealed/tpm.json .. && sed -i "
	      "'s/\"storage\":\"[0-9a-f]*/\"storage\":\"'$(printf %064d 0)/ "
	      "sealed/tpm.json");
	recover_refused("/nonexistent", 4, "IO");
	shell("cp ../tpm.json sealed/");
}

static void
policy_accepted_once(void **state)
{
	_cleanup_output_ struct rig_output o = { 0 };
	_cleanup_free_ char *env = NULL;
	size_t len;

	(void)state;
	shell("cmp policy.dsse ../p.dsse && cmp enrol/policy.dsse ../p.dsse");
	env = rs_policy(&rs, "p", 2, true, RS_ORIGIN, &len);
	policy(env, len, &o);
	expect(&o, 1, "PROVISION-STATE");
}

/* Stopped after the seals, before policy.dsse: the same command goes on. */
static void
policy_goes_on(void **state)
{
	_cleanup_output_ struct rig_output o = { 0 }, other = { 0 };
	_cleanup_free_ char *env = NULL, *second = NULL;
	char path[RIG_PATH];
	size_t len;

	(void)state;
	rig_path(&rs.rig, "state/policy.dsse", path);
	assert_int_equal(remove(path), 0);
	second = rs_policy(&rs, "q", 1, true, RS_ORIGIN, &len);
	policy(second, len, &other);
	expect(&other, 1, "TPM-LABEL");
	env = rs_policy(&rs, "p", 2, true, RS_ORIGIN, &len);
	policy(env, len, &o);
	assert_int_equal(o.status, 0);
	assert_non_null(strstr(o.err, "note: without custodians"));
	assert_true(file_exists(-100, path));
}

/* In a child: ends the TPM as soon as the folder holds a token. */
static pid_t
kill_tpm_later(const char *tokens)
{
	pid_t pid = fork();
	size_t n = 0;

	if (pid != 0)
		return pid;
	while (n < 3) {
		DIR *dir = opendir(tokens);

		for (n = 0; dir != NULL && readdir(dir) != NULL; n++)
			;
		if (dir != NULL)
			(void)closedir(dir);
	}
	(void)kill(rs.rig.swtpm, SIGKILL);
	_exit(0);
}

/* The TPM dies when a token was made: what is left to undo is named. */
static void
undo_is_named(void **state)
{
	_cleanup_output_ struct rig_output o = { 0 };
	char conf[RIG_PATH], tokens[RIG_PATH], dir[RIG_PATH];
	const char *argv[] = { "coldseal-provision", "keys", "--state", dir,
		"--origin", RS_ORIGIN, "--module", rs.rig.module, "--tcti",
		rs.rig.tcti, "--image", rs.rig.image, "--hsm-conf", conf,
		"--rehearsal", "--key", "k,a,rsa3072-pkcs1-sha256,raw", "--key",
		"l,a,rsa3072-pkcs1-sha256,raw", "--key",
		"m,b,rsa3072-pkcs1-sha256,raw", NULL };
	pid_t pid;

	(void)state;
	/* a TPM without an owner */
	rs_done(&rs);
	rs_init(&rs, false);
	rig_softhsm(&rs.rig, "undo", conf);
	rig_path(&rs.rig, "undo.tokens", tokens);
	rig_path(&rs.rig, "halfway", dir);
	pid = kill_tpm_later(tokens);
	rig_run(&rs.rig, argv, NULL, &o);
	(void)rig_wait(pid);
	assert_int_not_equal(o.status, 0);
	assert_string_equal(o.out, "");
	if (strstr(o.err, "left to undo: the token \"coldseal-audit\"") == NULL)
		fail_msg("%s", o.err);
	no_folder_left("halfway");
	rig_swtpm_stop(&rs.rig);
	rig_swtpm_start(&rs.rig);
}

static int
setup(void **state)
{
	(void)state;
	rs_init(&rs, false);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rs_done(&rs);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_preflight),
		cmocka_unit_test(state_is_private),
		cmocka_unit_test(attestation),
		cmocka_unit_test(policy_checks),
		cmocka_unit_test(policy_and_site),
		cmocka_unit_test(custodians),
		cmocka_unit_test(owned_by_another),
		cmocka_unit_test(custodians_go_on),
		cmocka_unit_test(recover_preflight),
		cmocka_unit_test(policy_accepted_once),
		cmocka_unit_test(policy_goes_on),
		cmocka_unit_test(undo_is_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
