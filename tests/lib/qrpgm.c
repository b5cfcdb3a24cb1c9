/* SPDX-License-Identifier: Apache-2.0 */

/*
 * qrpgm PREFIX <SCREEN: what a terminal would show of lib/qrtext.h's codes, as
 * a camera would see it: PREFIX001.pgm, PREFIX002.pgm ... for a stock scanner.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/rig_die.h"

#define SIDE_MAX 200
#define SCALE	 4

struct image {
	unsigned char light[SIDE_MAX][SIDE_MAX];
	int width, height;
};

static void
put(const char *prefix, const struct image *m, int n)
{
	char path[300];
	FILE *f;
	int x, y;

	(void)snprintf(path, sizeof(path), "%s%03d.pgm", prefix, n);
	f = fopen(path, "we");
	if (f == NULL)
		rig_die("%s", path);
	(void)fprintf(f, "P5\n%d %d\n255\n", m->width * SCALE,
	    m->height * SCALE);
	for (y = 0; y < m->height * SCALE; y++)
		for (x = 0; x < m->width * SCALE; x++)
			(void)fputc(m->light[y / SCALE][x / SCALE] ? 255 : 0,
			    f);
	if (fclose(f) != 0)
		rig_die("%s", path);
}

/* Half blocks: two rows; 0 if the line is not of them alone. */
static int
half_blocks(const char *s, unsigned char up[], unsigned char low[])
{
	static const struct {
		const char *s;
		unsigned char up, low;
	} glyph[] = {
		{ " ", 0, 0 },
		{ "\u2584", 0, 1 },
		{ "\u2580", 1, 0 },
		{ "\u2588", 1, 1 },
	};
	size_t i;
	int x;

	for (x = 0; *s != '\0' && x < SIDE_MAX; x++) {
		for (i = 0; i < 4; i++)
			if (strncmp(s, glyph[i].s, strlen(glyph[i].s)) == 0)
				break;
		if (i == 4)
			return 0;
		up[x] = glyph[i].up;
		low[x] = glyph[i].low;
		s += strlen(glyph[i].s);
	}
	return x;
}

/* Spaces, plain and in reverse video, two to a module: one row */
static int
spaces(const char *s, unsigned char row[])
{
	unsigned char light = 0;
	int x = 0;

	while (*s != '\0' && x < SIDE_MAX) {
		if (strncmp(s, "\033[7m", 4) == 0 ||
		    strncmp(s, "\033[0m", 4) == 0) {
			light = s[2] == '7';
			s += 4;
		} else if (strncmp(s, "  ", 2) == 0) {
			row[x++] = light;
			s += 2;
		} else {
			return 0;
		}
	}
	return x;
}

/* Rows that the line adds to the image */
static int
add(struct image *m, const char *s)
{
	unsigned char *row = m->light[m->height], *next = row + SIDE_MAX;
	int rows = 2, w;

	if (m->height + 2 > SIDE_MAX)
		return 0;
	w = half_blocks(s, row, next);
	if (w == 0) {
		w = spaces(s, row);
		rows = 1;
	}
	if (w < 23 || (m->height > 0 && w != m->width))
		return 0;
	m->width = w;
	m->height += rows;
	return rows;
}

int
main(int argc, char **argv)
{
	static struct image m;
	char *line = NULL;
	size_t cap = 0;
	int n = 0;

	if (argc != 2)
		rig_die("usage: qrpgm PREFIX <SCREEN");
	while (getline(&line, &cap, stdin) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		if (add(&m, line) > 0)
			continue;
		if (m.height > 20)
			put(argv[1], &m, ++n);
		m.width = m.height = 0;
	}
	if (m.height > 20)
		put(argv[1], &m, ++n);
	free(line);
	return n > 0 ? 0 : 1;
}
