/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds every file of a corpus folder, each prefix of a short one, and a few
 * thousand mutations made by a fixed generator, to a fuzz target: what make
 * check does where make fuzz would search.
 */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_FILE  (1u << 20)
#define MUTATIONS 300u

static uint32_t seed = 12345;

static uint32_t
next(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

/* A buffer of exactly the size, so that a sanitizer sees one byte too far. */
static void
run(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);

	if (copy == NULL)
		abort();
	if (n > 0)
		memcpy(copy, p, n);
	(void)LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void
mutate(const uint8_t *p, size_t n)
{
	uint8_t *m = malloc(n + 1);
	uint32_t i, k, at;

	if (m == NULL || n == 0) {
		free(m);
		return;
	}
	for (i = 0; i < MUTATIONS; i++) {
		memcpy(m, p, n);
		for (k = next() % 4 + 1; k > 0; k--) {
			at = next() % (uint32_t)n;
			m[at] = (uint8_t)next();
		}
		run(m, next() % 8 == 0 ? next() % (uint32_t)n : n);
	}
	free(m);
}

static int
feed(const char *dir, const char *name)
{
	char path[1024];
	uint8_t *p;
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	p = malloc(MAX_FILE);
	if (f == NULL || p == NULL) {
		perror(path);
		free(p);
		return 1;
	}
	n = fread(p, 1, MAX_FILE, f);
	(void)fclose(f);
	run(p, n);
	mutate(p, n);
	free(p);
	return 0;
}

int
main(int argc, char **argv)
{
	struct dirent *e;
	unsigned int files = 0;
	DIR *dir;
	int bad = 0;

	run((const uint8_t *)"", 0);
	dir = argc > 1 ? opendir(argv[1]) : NULL;
	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.') {
			bad |= feed(argv[1], e->d_name);
			files++;
		}
	if (dir != NULL)
		(void)closedir(dir);
	(void)printf("ok 1 - %u files and their mutations\n", files);
	return bad;
}
