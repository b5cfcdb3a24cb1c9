/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the TPM's part costs on a software TPM: milliseconds and commands of
 * an unseal by N and M, and of one anchor.  usage: bench_tpm
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <tss2/tss2_tctildr.h>

#include "tests/lib/rig_die.h"
#include "tests/lib/tpm_rig.h"
#include "tpm/tpm_private.h"

#define ROUNDS 20

struct counting {
	TSS2_TCTI_CONTEXT_COMMON_V1 v1; /* first: it is what ESAPI sees */
	TSS2_TCTI_CONTEXT *real;
	unsigned commands;
};

static struct counting mid;
static struct tpm_rig rig;

static TSS2_RC
transmit(TSS2_TCTI_CONTEXT *c, size_t len, const uint8_t *cmd)
{
	struct counting *m = (struct counting *)(void *)c;

	m->commands++;
	return Tss2_Tcti_Transmit(m->real, len, cmd);
}

static TSS2_RC
receive(TSS2_TCTI_CONTEXT *c, size_t *len, uint8_t *buf, int32_t timeout)
{
	return Tss2_Tcti_Receive(((struct counting *)(void *)c)->real, len, buf,
	    timeout);
}

static void
mid_free(TSS2_TCTI_CONTEXT **c)
{
	Tss2_TctiLdr_Finalize(&mid.real);
	*c = NULL;
}

static void
must(int r, const char *what)
{
	if (r != 0)
		rig_die("%s: %s", what, err_id(r));
}

static double
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
row(const char *name, double ms, unsigned commands)
{
	(void)printf("{\"name\":\"%s\",\"ms\":%.2f,\"commands\":%u}\n", name,
	    ms / ROUNDS, commands / ROUNDS);
}

static void
unseals(size_t n, uint32_t m)
{
	_cleanup_secret_ struct secret *pin = NULL;
	_cleanup_quorum_ struct quorum q = { 0 };
	struct tpm_guard g = { rig.img->key, 0, "release", &q };
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	double total = 0;
	unsigned commands = 0;
	char name[64];
	int i;

	tpm_rig_quorum(&rig, n, m, &q);
	must(tpm_nv_counter(rig.t, TPM_NV_GENERATION, &g.generation, NULL),
	    "generation");
	must(secret_random_pin(24, &pin), "PIN");
	must(tpm_seal(rig.t, &g, "label", pin, &blob, NULL), "seal");
	for (i = 0; i < ROUNDS; i++) {
		_cleanup_secret_ struct secret *out = NULL;
		struct tpm_vote votes[TPM_RIG_PEOPLE];
		struct tpm_saved saved;
		const struct tpm_ballot b = { &saved, votes, m };
		uint8_t *sig[TPM_RIG_PEOPLE];
		double start;
		size_t k;

		must(tpm_session_save(rig.t, &saved, NULL), "session");
		for (k = 0; k < m; k++) {
			sig[k] = tpm_rig_vote(&rig.people[k], saved.nonce,
			    "release", &votes[k].len);
			votes[k].key = rig.people[k].pub;
			votes[k].sig = sig[k];
		}
		mid.commands = 0;
		start = now_ms();
		must(tpm_unseal(rig.t, rig.img, blob.p, blob.len, "label", &b,
			 &out, NULL),
		    "unseal");
		total += now_ms() - start;
		commands += mid.commands;
		for (k = 0; k < m; k++)
			free(sig[k]);
		buf_done(&saved.context);
	}
	(void)snprintf(name, sizeof(name), "unseal.%u-of-%zu", m, n);
	row(name, total, commands);
	buf_done(&blob);
}

static void
anchors(void)
{
	static const uint8_t digest[32] = { 1 };
	double start = now_ms();
	int i;

	mid.commands = 0;
	for (i = 0; i < ROUNDS; i++)
		must(tpm_nv_extend(rig.t, rig.img, digest, NULL), "extend");
	row("anchor", now_ms() - start, mid.commands);
}

int
main(void)
{
	static const char *const types[TPM_RIG_PEOPLE] = { "p256", "p256",
		"p256", "p256", "p256", "p256", "p256", "p256", "p256", "p256",
		"p256", "p256" };

	(void)setenv("TSS2_LOG", "all+NONE", 0);
	tpm_rig_init(&rig, (1u << 7) | (1u << 16), true);
	tpm_rig_people(&rig, types, TPM_RIG_PEOPLE);
	tpm_close(&rig.t);
	mid.v1.magic = 0x636f6c6473656131u;
	mid.v1.version = 1;
	mid.v1.transmit = transmit;
	mid.v1.receive = receive;
	must(Tss2_TctiLdr_Initialize(rig.sw.tcti, &mid.real) == 0 ?
		0 :
		CS_E_TPM_CONNECT,
	    "TCTI");
	must(tpm_open_tcti((TSS2_TCTI_CONTEXT *)(void *)&mid, mid_free, 0,
		 &rig.t, NULL),
	    "TPM");
	unseals(3, 2);
	unseals(5, 3);
	unseals(10, 5);
	unseals(12, 6);
	anchors();
	tpm_rig_done(&rig);
	return 0;
}
