/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a log, one for each tile of level 0, in order: a thread takes
 * the next number, reads and compares, and puts the part into its slot; the
 * caller takes the slots in turn.
 *
 *	EMPTY -> (a thread) TAKEN -> READY -> (the caller) EMPTY, for the part
 *	that is SLOTS later
 */
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "lib/tlog_impl.h"

#define SLOTS 32u
/* bytes of entries that wait; one part may always be read */
#define WAITING_MAX (16u << 20)

void
tlog_part_done(struct tlog_part *p)
{
	free(p->entries);
	free(p->hashes);
	p->entries = p->hashes = NULL;
}

/* Which leaf is the first to be lost, whichever file is missing. */
static int
read_pair(const struct tile_source *src, struct tlog_part *p, struct diag *d)
{
	struct tile_id e = p->id;
	char path[TILE_PATH_MAX];
	size_t len;
	int r;

	e.level = TILE_ENTRIES;
	r = tlog_tile_read(src, &e, &p->entries, &p->entries_len, d);
	if (r != 0)
		tile_path(&e, path);
	else if ((r = tlog_tile_read(src, &p->id, &p->hashes, &len, d)) != 0)
		tile_path(&p->id, path);
	if (r == CS_E_LOG_MISSING)
		return diag_fail(d, r, path, "no such file, from leaf %" PRIu64,
		    tlog_tile_first_leaf(&p->id, 0));
	return r;
}

/* Every leaf of a bundle against its hash. */
static int
compare_leaves(struct tlog_part *p, tlog_leaf_cb *check, void *arg,
    struct diag *d)
{
	struct rd rd = RD_INIT(p->entries, p->entries_len);
	const uint8_t *leaf;
	unsigned i;
	size_t n;
	int r;

	for (i = 0; i < p->id.width; i++) {
		if ((r = tlog_bundle_next(&rd, &leaf, &n)) != 0)
			return diag_fail(d, r, NULL, "an entry bundle");
		if ((r = merkle_leaf_hash(leaf, n, p->leaf[i])) != 0)
			return diag_fail(d, r, NULL, "hashing a leaf");
		if (memcmp(p->leaf[i], p->hashes + (size_t)i * 32, 32) != 0)
			return tlog_tamper(d, &p->id, i);
		if (check != NULL &&
		    (r = check(arg, p->id.index * TILE_WIDTH + i, leaf, n,
			 d)) != 0)
			return r;
	}
	return 0;
}

int
tlog_part_load(const struct tile_source *src, const struct tile_id *id,
    tlog_leaf_cb *check, void *arg, struct tlog_part *ret, struct diag *d)
{
	int r;

	ret->id = *id;
	ret->entries = ret->hashes = NULL;
	r = read_pair(src, ret, d);
	if (r == 0)
		r = compare_leaves(ret, check, arg, d);
	if (r == 0 && id->width == TILE_WIDTH &&
	    (r = tlog_fold((const uint8_t(*)[32])ret->leaf, 8, ret->root)) != 0)
		r = diag_fail(d, r, NULL, "hashing a tile");
	if (r != 0)
		tlog_part_done(ret);
	return r;
}

struct slot {
	bool ready;
	int r;
	struct diag d;
	struct tlog_part part;
};

struct crew {
	const struct tile_source *src;
	const struct tlog_walk *w;
	uint64_t size;
	pthread_mutex_t lock;
	pthread_cond_t room, ready;
	uint64_t next, taken, end; /* parts */
	size_t waiting;		   /* bytes in slots that are ready */
	bool stop;
	struct slot slot[SLOTS];
};

static struct tile_id
part_id(const struct crew *c, uint64_t index)
{
	return (struct tile_id){
		.index = index,
		.width = tile_width_at(0, index, c->size),
	};
}

/* The number of the part to be read next; false: there is none. */
static bool
next_part(struct crew *c, uint64_t *ret)
{
	bool go;

	(void)pthread_mutex_lock(&c->lock);
	while (!c->stop && c->next < c->end &&
	    (c->next >= c->taken + SLOTS ||
		(c->waiting > WAITING_MAX && c->next != c->taken)))
		(void)pthread_cond_wait(&c->room, &c->lock);
	go = !c->stop && c->next < c->end;
	if (go)
		*ret = c->next++;
	(void)pthread_mutex_unlock(&c->lock);
	return go;
}

static void *
work(void *arg)
{
	struct crew *c = arg;
	uint64_t i;

	while (next_part(c, &i)) {
		struct slot *s = &c->slot[i % SLOTS];
		struct tile_id id = part_id(c, i);

		memset(&s->d, 0, sizeof(s->d));
		s->r = tlog_part_load(c->src, &id, c->w->check, c->w->arg,
		    &s->part, &s->d);
		(void)pthread_mutex_lock(&c->lock);
		s->ready = true;
		if (s->r == 0)
			c->waiting += s->part.entries_len;
		(void)pthread_cond_signal(&c->ready);
		(void)pthread_mutex_unlock(&c->lock);
	}
	return NULL;
}

/* Waits for the next part in order and hands it to fn. */
static int
take(struct crew *c,
    int (*fn)(void *arg, const struct tlog_part *p, struct diag *d), void *arg,
    struct diag *d)
{
	struct slot *s = &c->slot[c->taken % SLOTS];
	size_t len = 0;
	int r;

	(void)pthread_mutex_lock(&c->lock);
	while (!s->ready)
		(void)pthread_cond_wait(&c->ready, &c->lock);
	(void)pthread_mutex_unlock(&c->lock);
	r = s->r;
	if (r != 0 && d != NULL)
		*d = s->d;
	if (r == 0) {
		len = s->part.entries_len;
		r = fn(arg, &s->part, d);
		tlog_part_done(&s->part);
	}
	(void)pthread_mutex_lock(&c->lock);
	s->ready = false;
	c->waiting -= len;
	c->taken++;
	(void)pthread_cond_broadcast(&c->room);
	(void)pthread_mutex_unlock(&c->lock);
	return r;
}

static int
with_threads(struct crew *c, unsigned threads,
    int (*fn)(void *arg, const struct tlog_part *p, struct diag *d), void *arg,
    struct diag *d)
{
	pthread_t id[TLOG_WALK_THREADS];
	unsigned n = 0, i;
	int r = 0;

	while (n < threads && n < TLOG_WALK_THREADS &&
	    pthread_create(&id[n], NULL, work, c) == 0)
		n++;
	if (n == 0)
		return diag_fail(d, CS_E_NOMEM, NULL, "a thread");
	while (r == 0 && c->taken < c->end)
		r = take(c, fn, arg, d);
	(void)pthread_mutex_lock(&c->lock);
	c->stop = true;
	(void)pthread_cond_broadcast(&c->room);
	(void)pthread_mutex_unlock(&c->lock);
	for (i = 0; i < n; i++)
		(void)pthread_join(id[i], NULL);
	for (i = 0; i < SLOTS; i++)
		if (c->slot[i].ready && c->slot[i].r == 0)
			tlog_part_done(&c->slot[i].part);
	return r;
}

int
tlog_parts(const struct tile_source *src, uint64_t size,
    const struct tlog_walk *w,
    int (*fn)(void *arg, const struct tlog_part *p, struct diag *d), void *arg,
    struct diag *d)
{
	_cleanup_free_ struct crew *c = calloc(1, sizeof(*c));
	struct tile_id id;
	int r = 0;

	if (c == NULL)
		return diag_nomem(d);
	c->src = src;
	c->w = w;
	c->size = size;
	c->next = c->taken = w->first / TILE_WIDTH;
	c->end = (size + TILE_WIDTH - 1) / TILE_WIDTH;
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->room, NULL);
	(void)pthread_cond_init(&c->ready, NULL);
	/* one part gives a thread nothing to do beside the caller */
	if (w->threads > 0 && c->end > c->next + 1)
		return with_threads(c, w->threads, fn, arg, d);
	for (; r == 0 && c->next < c->end; c->next++) {
		struct tlog_part *p = &c->slot[0].part;

		id = part_id(c, c->next);
		r = tlog_part_load(src, &id, w->check, w->arg, p, d);
		if (r == 0)
			r = fn(arg, p, d);
		tlog_part_done(p);
	}
	return r;
}
