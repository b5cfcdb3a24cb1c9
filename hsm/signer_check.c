/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/signer_check.h"

#include <pthread.h>
#include <string.h>

#include "lib/ipc.h"
#include "lib/proto_signer.h"

#define RING_SIZE 64u
/* a message is sent when it has so much; one signature may be more */
#define BATCH_MAX 2048u

struct item {
	uint32_t subject;
	struct sigfmt_sigs parts;
};

struct signer_check {
	struct signer_check_job job;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled, drained;
	/* all below is under lock */
	struct item ring[RING_SIZE];
	size_t head, count;
	bool closed;  /* nothing more comes */
	bool discard; /* the token failed: send nothing more */
	uint32_t sent;
	int error;
	struct diag diag;
};

/* What was verified and not yet sent. */
struct batch {
	struct buf buf;
	uint32_t n;
};

static int
flush(const struct signer_check_job *j, struct batch *b, uint32_t *ret_sent)
{
	int r;

	if (b->n == 0)
		return 0;
	r = ipc_send_buf(j->sock, SIGNER_SIG, &b->buf, -1);
	if (r == 0)
		*ret_sent += b->n;
	buf_reset(&b->buf);
	b->n = 0;
	return r;
}

static int
put(const struct signer_check_job *j, uint32_t subject, const struct buf *sig,
    struct batch *b, uint32_t *ret_sent)
{
	int r = 0;

	if (b->buf.len + sig->len + 8 > BATCH_MAX)
		r = flush(j, b, ret_sent);
	if (r == 0)
		r = buf_put_u32(&b->buf, subject);
	if (r == 0)
		r = buf_put_str(&b->buf, sig->p, sig->len);
	if (r == 0)
		b->n++;
	return r;
}

/* Assembled, verified, and only then put into the batch. */
static int
check_one(const struct signer_check_job *j, const struct item *it,
    struct batch *b, uint32_t *ret_sent, struct diag *d)
{
	struct sigfmt_job job = { .key = j->key,
		.subject = &j->req->st->subjects[it->subject],
		.time = j->now,
		.cert = j->cert };
	struct buf sig __attribute__((cleanup(buf_done))) =
	    BUF_INIT(SIGFMT_MAX);
	int r;

	r = sigfmt_by_name(j->req->format)->assemble(&job, &it->parts, &sig, d);
	if (r != 0)
		return r;
	job.time = 0;
	r = sigfmt_verify(j->req->format, &job, sig.p, sig.len, d);
	if (r != 0)
		return diag_fail(d, CS_E_SELF_VERIFY,
		    "a signature that the policy's public key verifies",
		    "subject %u, key %s: %s", it->subject, j->key->id,
		    err_id(r));
	r = put(j, it->subject, &sig, b, ret_sent);
	return r == 0 ?
	    0 :
	    diag_fail(d, r, NULL, "signature of subject %u", it->subject);
}

/* 1 and an item, or 0 at the end */
static int
take(struct signer_check *c, struct item *ret)
{
	int have;

	(void)pthread_mutex_lock(&c->lock);
	while (c->count == 0 && !c->closed)
		(void)pthread_cond_wait(&c->filled, &c->lock);
	have = c->count > 0 && !c->discard;
	if (have) {
		*ret = c->ring[c->head];
		c->head = (c->head + 1) % RING_SIZE;
		/* half empty, so that the two threads do not take turns */
		if (--c->count == RING_SIZE / 2)
			(void)pthread_cond_signal(&c->drained);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return have;
}

static bool
thrown_away(struct signer_check *c)
{
	bool r;

	(void)pthread_mutex_lock(&c->lock);
	r = c->discard;
	(void)pthread_mutex_unlock(&c->lock);
	return r;
}

static void
result(struct signer_check *c, uint32_t sent, int error, const struct diag *d)
{
	(void)pthread_mutex_lock(&c->lock);
	c->sent = sent;
	if (error != 0) {
		c->error = error;
		c->diag = *d;
		(void)pthread_cond_signal(&c->drained);
	}
	(void)pthread_mutex_unlock(&c->lock);
}

static void *
run(void *arg)
{
	struct signer_check *c = arg;
	struct batch b = { .buf = BUF_INIT(IPC_MAX - 2) };
	struct diag d = { 0 };
	struct item it;
	uint32_t sent = 0;
	int e, r = 0;

	while (r == 0 && take(c, &it))
		r = check_one(&c->job, &it, &b, &sent, &d);
	/* those before a bad one are good */
	if (!thrown_away(c) && (e = flush(&c->job, &b, &sent)) != 0 && r == 0)
		r = diag_fail(&d, e, NULL, "the last signatures");
	result(c, sent, r, &d);
	buf_done(&b.buf);
	return NULL;
}

int
signer_check_open(const struct signer_check_job *job, struct signer_check **ret,
    struct diag *d)
{
	struct signer_check *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return diag_nomem(d);
	c->job = *job;
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->filled, NULL);
	(void)pthread_cond_init(&c->drained, NULL);
	if (pthread_create(&c->thread, NULL, run, c) != 0) {
		free(c);
		return diag_fail(d, CS_E_INTERNAL, "a second thread", "none");
	}
	*ret = c;
	return 0;
}

int
signer_check_push(struct signer_check *c, uint32_t subject,
    const struct sigfmt_sigs *parts)
{
	size_t tail;
	int r;

	(void)pthread_mutex_lock(&c->lock);
	while (c->count == RING_SIZE && c->error == 0)
		(void)pthread_cond_wait(&c->drained, &c->lock);
	r = c->error;
	if (r == 0) {
		tail = (c->head + c->count) % RING_SIZE;
		c->ring[tail] = (struct item){ subject, *parts };
		if (c->count++ == 0)
			(void)pthread_cond_signal(&c->filled);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return r;
}

int
signer_check_close(struct signer_check **cp, bool failed, uint32_t *ret_sent,
    struct diag *d)
{
	struct signer_check *c = take_ptr(*cp);
	int r;

	(void)pthread_mutex_lock(&c->lock);
	c->closed = true;
	c->discard = failed;
	(void)pthread_cond_signal(&c->filled);
	(void)pthread_mutex_unlock(&c->lock);
	(void)pthread_join(c->thread, NULL);

	r = c->error;
	if (r == 0)
		*ret_sent = c->sent;
	else if (d != NULL)
		*d = c->diag;
	(void)pthread_cond_destroy(&c->filled);
	(void)pthread_cond_destroy(&c->drained);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
	return r;
}
