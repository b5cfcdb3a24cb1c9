/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/report.h"

static const struct {
	const char *title, *why, *commands;
} stock[] = {
#define CS_X(title, why, commands) { title, why, commands },
#include "host-tools/audit_commands.def"
#undef CS_X
};

/* What a reader might take for proven, and is not. */
static const char *const limits[] = {
	"<b>What came after.</b> The log is known up to the newest checkpoint "
	"above. What the appliance did since is not, until its next bundle "
	"is imported.",
	"<b>When.</b> Times are the appliance's own clock. Their order is "
	"proven, by the leaves' numbers; the hour is not. That a leaf existed "
	"before a certain time is shown by whoever timestamped a checkpoint "
	"that covers it, and by the auditor's own import times.",
	"<b>That no key was used elsewhere.</b> The log has every signature "
	"that this appliance released. It cannot show one that a copy of a "
	"key would make; that keys cannot be copied is the HSM's promise.",
	"<b>That artifacts are good.</b> A signature says that these people, "
	"under this policy, approved this digest. Evidence was checked for "
	"who signed it and what it says, not for being true.",
	"<b>Who held a token.</b> A person here is a token and its PIN.",
	"<b>User, system, pipeline, run, commit and branch</b> are what the "
	"requester's signed request said; where a rule demands provenance, "
	"its builder said the same.",
	"<b>What the machine ran.</b> The TPM's answer in the bundle shows it "
	"to those who verify it with <code>coldseal attest verify</code> "
	"against the pinned key and the manifest of the image. This page "
	"did not.",
	"<b>The keys themselves.</b> All of this holds under the log keys "
	"above. Compare them with those that were written down when the "
	"appliance was provisioned; keys that came with a bundle prove "
	"nothing.",
	("<b>This page.</b> It is not signed. Whoever doubts it makes it again "
	 "from the bundles, or uses the commands above."),
};

static void
put_commands(struct report *p)
{
	struct html *h = &p->h;
	size_t i;

	report_section(p, "verify", "Verify it yourself");
	html_raw(h,
	    "<p>With other people's tools, on the exported bundle "
	    "<code>audit.bundle</code> and the public keys "
	    "<code>enrol/</code> from the appliance's provisioning; "
	    "put your files' names in. The folder beside the "
	    "auditor's database has the same tiles and checkpoint."
	    "</p>\n");
	for (i = 0; i < ARRAY_LEN(stock); i++) {
		html_rawf(h, "<h3>%s: %s</h3>\n<pre class=\"cmd\">",
		    stock[i].title, stock[i].why);
		html_text(h, stock[i].commands);
		html_raw(h, "</pre>\n");
	}
	html_raw(h, "</section>\n");
}

int
report_end(struct report *p, struct diag *d)
{
	size_t i;

	(void)d;
	put_commands(p);
	report_section(p, "limits", "What is not proven");
	html_raw(&p->h, "<ul class=\"plain\">\n");
	for (i = 0; i < ARRAY_LEN(limits); i++)
		html_rawf(&p->h, "<li>%s\n", limits[i]);
	html_raw(&p->h, "</ul>\n</section>\n</body>\n</html>\n");
	return 0;
}
