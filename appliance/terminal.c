/* SPDX-License-Identifier: Apache-2.0 */
#include "appliance/terminal.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/err.h"

/* Linux, Documentation/admin-guide/devices.txt: character devices */
static const struct {
	unsigned major, first, last;
	const char *kind;
} devices[] = {
	{ 4, 0, 63, "screen" },		    /* tty0 .. tty63 */
	{ 4, 64, 255, "serial" },	    /* ttyS0 .. */
	{ 5, 1, 1, "screen" },		    /* console */
	{ 136, 0, UINT32_MAX, "terminal" }, /* pts, eight majors */
	{ 137, 0, UINT32_MAX, "terminal" }, { 138, 0, UINT32_MAX, "terminal" },
	{ 139, 0, UINT32_MAX, "terminal" }, { 140, 0, UINT32_MAX, "terminal" },
	{ 141, 0, UINT32_MAX, "terminal" }, { 142, 0, UINT32_MAX, "terminal" },
	{ 143, 0, UINT32_MAX, "terminal" },
	{ 166, 0, UINT32_MAX, "serial" }, /* ttyACM */
	{ 188, 0, UINT32_MAX, "serial" }, /* ttyUSB */
	{ 204, 0, UINT32_MAX, "serial" }, /* ttyAMA and others */
	{ 229, 0, UINT32_MAX, "serial" }, /* hvc: of a hypervisor */
};

static const char *const kinds[] = { "screen", "serial", "terminal", "pipe",
	"file", "other" };

const char *
terminal_kind_of(unsigned device_major, unsigned device_minor)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(devices); i++)
		if (device_major == devices[i].major &&
		    device_minor >= devices[i].first &&
		    device_minor <= devices[i].last)
			return devices[i].kind;
	return "other";
}

const char *
terminal_kind(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return "other";
	if (S_ISCHR(st.st_mode))
		return terminal_kind_of(major(st.st_rdev), minor(st.st_rdev));
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
		return "pipe";
	return S_ISREG(st.st_mode) ? "file" : "other";
}

bool
terminal_is_kind(const char *s)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(s, kinds[i]) == 0)
			return true;
	return false;
}
