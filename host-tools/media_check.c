/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads a medium as the appliance's intake would, with the same reader, and
 * says what it would say: the refusal, or the members that it would take.
 */

#include <string.h>

#include "host-tools/cli.h"
#include "host-tools/media.h"
#include "host-tools/show.h"
#include "lib/hex.h"
#include "lib/json.h"
#include "usb-transfer/media_names.h"
#include "usb-transfer/media_source.h"

enum { O_FILE, O_JSON };

static const struct cli_opt options[] = {
	[O_FILE] = { "file", "NAME", 0,
	    "another file than what the appliance would take "
	    "in: " MEDIA_FILES },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

struct checking {
	struct media_source *s;
	enum bundle_type type;
	json_t *members; /* of --json, or NULL */
	size_t n;
	struct progress bar;
	uint8_t manifest[32];
};

static int
next_bytes(void *arg, void *buf, size_t n, size_t *ret_n, struct diag *d)
{
	struct checking *k = arg;
	int r;

	r = media_source_read(k->s, buf, n, ret_n, d);
	if (r == 0)
		progress_add(&k->bar, *ret_n);
	return r;
}

/* Its content was what the manifest says. */
static int
member_end(void *arg, const struct bundle_member *m, struct diag *d)
{
	struct checking *k = arg;
	char hex[CS_SHA256_HEX + 1];

	k->n++;
	hex_encode(m->sha256, CS_SHA256_LEN, hex);
	if (k->members == NULL) {
		(void)printf("  %s %12llu  %s\n", hex,
		    (unsigned long long)m->size, m->name);
		return 0;
	}
	return json_array_append_new(k->members,
		   json_pack("{s:s,s:I,s:s}", "name", m->name, "size",
		       (json_int_t)m->size, "sha256", hex)) == 0 ?
	    0 :
	    diag_nomem(d);
}

static int
find(struct checking *k, const char *name, struct diag *d)
{
	int r;

	if (name == NULL)
		return media_find_in(media_source_find, k->s, &k->type, d);
	r = media_file_option(name, &k->type, d);
	return r == 0 ? media_source_find(k->s, name, d) : r;
}

static void
show_volume(struct checking *k, const char *path)
{
	struct media_seen seen = { .holds = "the folder where it is mounted: "
					    "check the stick itself, too" };

	if (media_source_fat(k->s) != NULL)
		media_look(media_source_dev(k->s), &seen);
	show_text("medium", path);
	show_text("holds", seen.holds);
}

static void
show_file(struct checking *k)
{
	char text[96];

	(void)snprintf(text, sizeof(text), "%s, %llu bytes in %zu file%s",
	    media_name(k->type), (unsigned long long)media_source_size(k->s),
	    media_source_part_count(k->s),
	    media_source_part_count(k->s) == 1 ? "" : "s");
	show_text("found", text);
	show_text("members", "");
}

static void
show_verdict(const struct checking *k)
{
	char text[96];

	show_digest("manifest", k->manifest);
	(void)snprintf(text, sizeof(text),
	    "%zu, each with the content that "
	    "the manifest says",
	    k->n);
	show_text("members", text);
	(void)snprintf(text, sizeof(text), "%s: the appliance %s it",
	    bundle_type_name(k->type),
	    media_name_in(k->type) ? "reads" : "writes, and never reads,");
	show_text("verdict", text);
}

static int
print_json(struct checking *k, const char *path, struct diag *d)
{
	return cli_print_json(json_pack("{s:s,s:s,s:s,s:I,s:I,s:b,s:o,s:O}",
				  "medium", path, "file", media_name(k->type),
				  "type", bundle_type_name(k->type), "size",
				  (json_int_t)media_source_size(k->s), "parts",
				  (json_int_t)media_source_part_count(k->s),
				  "taken-in", media_name_in(k->type),
				  "manifest",
				  json_hex(k->manifest, CS_SHA256_LEN),
				  "members", k->members),
	    d);
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_media_source_ struct media_source *s = NULL;
	_cleanup_json_ json_t *members = NULL;
	struct checking k = { .n = 0 };
	const struct bundle_sink sink = { .end = member_end, .arg = &k };
	int r;

	if (cli_has(c, O_JSON) && (members = json_array()) == NULL)
		return diag_nomem(d);
	k.members = members;
	r = media_refuse_other(c->args[0], d);
	if (r == 0)
		r = media_source_open(c->args[0], &s, d);
	k.s = s;
	if (r == 0 && members == NULL)
		show_volume(&k, c->args[0]);
	if (r == 0)
		r = find(&k, cli_get(c, O_FILE), d);
	if (r != 0)
		return r;
	if (members == NULL)
		show_file(&k);
	progress_start(&k.bar, "checking", media_source_size(s));
	r = bundle_read(next_bytes, &k, k.type, &sink, k.manifest, d);
	progress_end(&k.bar);
	if (r != 0)
		return r;
	if (members != NULL)
		return print_json(&k, c->args[0], d);
	show_verdict(&k);
	return 0;
}

const struct cli_verb verb_media_check = {
	.group = "media",
	.name = "check",
	.operands = "DEVICE|IMAGE|FOLDER",
	.min_args = 1,
	.max_args = 1,
	.about = "Read a medium as the appliance would.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
