/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A stick that is a program of ours: a FunctionFS gadget that speaks
 * bulk-only transport (USB Mass Storage Class, Bulk-Only Transport 1.0) and
 * lies where it is told to.  It says its process ID once a host may see it
 * and goes on in the background.
 * usage: ffs_stick FUNCTIONFS-FOLDER IMAGE LIE
 */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usb/functionfs.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK	  512u
#define MAX_DATA  (1u << 20)
#define CBW_LEN	  31
#define HALT_MS	  4000
#define CSW_LEN	  13
#define DATA_LEFT 4u /* blocks that a stick that goes away still gave */

enum lie {
	LIE_NONE,
	LIE_TAG,       /* the status block has another tag */
	LIE_SIGNATURE, /* ... another signature */
	LIE_STATUS,    /* ... says failed, after the whole data */
	LIE_PHASE,     /* ... says phase error */
	LIE_RESIDUE,   /* ... says that more is missing than there was */
	LIE_LESS,      /* ... says that 512 bytes do not count */
	LIE_RESERVED,  /* ... has a status that there is not */
	LIE_SHORT,     /* 512 bytes fewer, and says that it was all */
	LIE_SECOND,    /* reads of a block differ from the second on */
	LIE_HANG,      /* no data */
	LIE_MUTE,      /* data, no status block */
	LIE_STALL,     /* halts instead of data, each time */
	LIE_STALL_CSW, /* halts instead of the status block, each time */
	LIE_GONE,      /* pulled out in the middle */
	LIE_CAPACITY,  /* the last block is 0xFFFFFFFF */
	LIE_BEYOND,    /* 2 TB; what is beyond the image is not there */
	LIE_BLOCK,     /* blocks of 520 bytes */
	LIE_CD,	       /* a CD drive */
	LIE_ABSENT,    /* never ready: medium not present */
	LIE_PROTECTED, /* write-protected */
	LIE_FORGET,    /* takes what is written and keeps nothing */
	LIE_COUNT
};
static const char *const names[LIE_COUNT] = { "none", "tag", "signature",
	"status", "phase", "residue", "less", "reserved", "short", "second",
	"hang", "mute", "stall", "stall-csw", "gone", "capacity", "beyond",
	"block", "cd", "absent", "protected", "forget" };

#define INTERFACE                                                        \
	{                                                                \
		.bLength = sizeof(struct usb_interface_descriptor),      \
		.bDescriptorType = USB_DT_INTERFACE, .bNumEndpoints = 2, \
		.bInterfaceClass = USB_CLASS_MASS_STORAGE,               \
		.bInterfaceSubClass = 6, .bInterfaceProtocol = 0x50,     \
	}
#define BULK(address, packet)                           \
	{                                               \
		.bLength = USB_DT_ENDPOINT_SIZE,        \
		.bDescriptorType = USB_DT_ENDPOINT,     \
		.bEndpointAddress = (address),          \
		.bmAttributes = USB_ENDPOINT_XFER_BULK, \
		.wMaxPacketSize = (__le16)(packet),     \
	}

struct speed_descs {
	struct usb_interface_descriptor interface;
	struct usb_endpoint_descriptor_no_audio in, out;
} __attribute__((packed));

static const struct {
	struct usb_functionfs_descs_head_v2 head;
	__le32 full_count, high_count;
	struct speed_descs full, high;
} __attribute__((packed)) descs = {
	.head = { (__le32)FUNCTIONFS_DESCRIPTORS_MAGIC_V2,
	    (__le32)sizeof(descs),
	    (__le32)(FUNCTIONFS_HAS_FS_DESC | FUNCTIONFS_HAS_HS_DESC) },
	.full_count = (__le32)3,
	.high_count = (__le32)3,
	.full = { INTERFACE, BULK(0x81, 64), BULK(0x02, 64) },
	.high = { INTERFACE, BULK(0x81, 512), BULK(0x02, 512) },
};
static const struct usb_functionfs_strings_head no_strings = {
	.magic = (__le32)FUNCTIONFS_STRINGS_MAGIC,
	.length = (__le32)sizeof(no_strings),
};

struct stick {
	enum lie lie;
	int ep0, in, out;
	uint8_t *image, *seen; /* seen: reads of each block */
	uint64_t blocks;
	uint64_t moved;
};

struct command {
	uint8_t cbw[CBW_LEN];
	uint32_t want; /* bytes, by the host */
	uint8_t data[MAX_DATA];
	uint32_t len;
	uint8_t status;
	bool failed; /* no data phase */
};

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static uint32_t
be(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static void
put_be(uint8_t *p, size_t n, uint64_t v)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

/* False: the host is not there (any more). */
static bool
send_all(int fd, const uint8_t *p, size_t n)
{
	ssize_t k;

	while (n > 0) {
		k = write(fd, p, n);
		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

static bool
receive_all(int fd, uint8_t *p, size_t n)
{
	ssize_t k;

	while (n > 0) {
		k = read(fd, p, n);
		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

/* FunctionFS halts an endpoint when it is used the wrong way round. */
static void
halt_in(const struct stick *s)
{
	uint8_t b[BLOCK];

	if (read(s->in, b, sizeof(b)) >= 0 || errno != EBADMSG)
		(void)fprintf(stderr, "ffs_stick: no halt: %m\n");
}

static void
inquiry(struct stick *s, struct command *c)
{
	c->data[0] = s->lie == LIE_CD ? 5 : 0;
	c->data[1] = 0x80; /* removable */
	c->data[2] = 4;
	c->data[3] = 2;
	c->data[4] = 31;
	memcpy(c->data + 8, "COLDSEALTest stick      1.00", 28);
	c->len = 36;
}

static void
not_ready(struct stick *s, struct command *c)
{
	c->failed = s->lie == LIE_ABSENT;
}

static void
sense(struct stick *s, struct command *c)
{
	c->data[0] = 0x70;
	c->data[7] = 10;
	if (s->lie == LIE_ABSENT) {
		c->data[2] = 2;	    /* not ready */
		c->data[12] = 0x3a; /* medium not present */
	}
	c->len = 18;
}

static void
capacity(struct stick *s, struct command *c)
{
	uint64_t last = s->blocks - 1;

	if (s->lie == LIE_CAPACITY)
		last = UINT32_MAX;
	else if (s->lie == LIE_BEYOND)
		last = UINT32_MAX - 1;
	put_be(c->data, 4, last);
	put_be(c->data + 4, 4, s->lie == LIE_BLOCK ? 520 : BLOCK);
	c->len = 8;
}

/* READ CAPACITY (16): what a host asks when the short one says "too large" */
static void
capacity16(struct stick *s, struct command *c)
{
	put_be(c->data, 8, s->lie == LIE_CAPACITY ? UINT64_MAX : s->blocks - 1);
	put_be(c->data + 8, 4, BLOCK);
	c->len = 32;
}

static void
mode_sense(struct stick *s, struct command *c)
{
	c->data[0] = 3;
	c->data[2] = s->lie == LIE_PROTECTED ? 0x80 : 0;
	c->len = 4;
}

static void
read_blocks(struct stick *s, struct command *c)
{
	uint64_t at = be(c->cbw + 17, 4);
	uint32_t i, n = be(c->cbw + 22, 2);

	if (n * BLOCK > MAX_DATA || at + n > s->blocks) {
		c->failed = true;
		return;
	}
	if (s->lie == LIE_GONE && (s->moved += n) > DATA_LEFT)
		_exit(0);
	memcpy(c->data, s->image + at * BLOCK, n * BLOCK);
	for (i = 0; i < n; i++)
		if (s->seen[at + i]++ > 0 && s->lie == LIE_SECOND)
			c->data[i * BLOCK] ^= 0x5a;
	c->len = n * BLOCK;
}

static void
write_blocks(struct stick *s, struct command *c)
{
	uint64_t at = be(c->cbw + 17, 4);
	uint32_t n = be(c->cbw + 22, 2);

	if (c->want > MAX_DATA || !receive_all(s->out, c->data, c->want)) {
		c->failed = true;
		return;
	}
	c->len = c->want;
	if (n * BLOCK != c->want || at + n > s->blocks ||
	    s->lie == LIE_PROTECTED) {
		c->status = 1;
		return;
	}
	if (s->lie != LIE_FORGET)
		memcpy(s->image + at * BLOCK, c->data, c->want);
}

static void
nothing(struct stick *s, struct command *c)
{
	(void)s;
	(void)c;
}

static const struct {
	uint8_t code;
	void (*run)(struct stick *, struct command *);
} commands[] = {
	{ 0x00, not_ready }, /* TEST UNIT READY */
	{ 0x03, sense },
	{ 0x12, inquiry },
	{ 0x1a, mode_sense },
	{ 0x1b, nothing }, /* START STOP UNIT */
	{ 0x1e, nothing }, /* PREVENT ALLOW MEDIUM REMOVAL */
	{ 0x25, capacity },
	{ 0x28, read_blocks },
	{ 0x2a, write_blocks },
	{ 0x35, nothing }, /* SYNCHRONIZE CACHE */
	{ 0x9e, capacity16 },
};
#define READ_10	 0x28
#define WRITE_10 0x2a

static bool
send_status(struct stick *s, const struct command *c, bool lying)
{
	uint8_t csw[CSW_LEN] = "USBS";
	uint32_t left = htole32(c->want - c->len);
	int i;

	memcpy(csw + 4, c->cbw + 4, 4);
	memcpy(csw + 8, &left, 4);
	csw[12] = c->failed ? 1 : c->status;
	if (!lying)
		return send_all(s->in, csw, sizeof(csw));
	switch (s->lie) {
	case LIE_TAG:
		csw[4] ^= 1;
		break;
	case LIE_SIGNATURE:
		csw[3] = 'C';
		break;
	case LIE_STATUS:
		csw[12] = 1;
		break;
	case LIE_PHASE:
		csw[12] = 2;
		break;
	case LIE_RESIDUE:
		memset(csw + 8, 0xff, 4);
		break;
	case LIE_LESS:
		csw[9] = 2;
		break;
	case LIE_RESERVED:
		csw[12] = 9;
		break;
	case LIE_SHORT:
		memset(csw + 8, 0, 4);
		break;
	case LIE_MUTE:
		pause();
		break;
	case LIE_STALL_CSW:
		/* again as soon as the host has cleared it */
		for (i = 0; i < HALT_MS; i++) {
			halt_in(s);
			(void)poll(NULL, 0, 1);
		}
		return false;
	default:
		break;
	}
	return send_all(s->in, csw, sizeof(csw));
}

static bool
run(struct stick *s, struct command *c)
{
	bool out = c->cbw[15] == WRITE_10, lying = c->cbw[15] == READ_10;
	size_t i;

	memset(c->data, 0, BLOCK);
	c->len = 0;
	c->status = 0;
	c->failed = true;
	c->want = le32toh(*(uint32_t *)(void *)(c->cbw + 8));
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].code == c->cbw[15]) {
			c->failed = false;
			commands[i].run(s, c);
		}
	if (c->failed || c->len > c->want)
		c->len = c->failed ? 0 : c->want;
	if (lying && s->lie == LIE_HANG)
		pause();
	if (lying && s->lie == LIE_SHORT && c->len >= BLOCK)
		c->len -= BLOCK;
	if (lying && s->lie == LIE_STALL)
		c->len = 0;
	if (!out && c->len > 0 && !send_all(s->in, c->data, c->len))
		return false;
	/* BOT 6.7.2: fewer bytes than asked for end with a short packet or halt */
	if (!out && c->len < c->want && c->len % BLOCK == 0 &&
	    s->lie != LIE_SHORT)
		halt_in(s);
	return send_status(s, c, lying);
}

/* Class requests; what is standard, the kernel answers. */
static void *
control(void *arg)
{
	const struct stick *s = arg;
	struct usb_functionfs_event e;
	uint8_t none = 0;
	bool in;

	while (read(s->ep0, &e, sizeof(e)) == sizeof(e)) {
		if (e.type != FUNCTIONFS_SETUP)
			continue;
		in = (e.u.setup.bRequestType & USB_DIR_IN) != 0;
		if ((in ? write(s->ep0, &none, 1) : read(s->ep0, &none, 0)) < 0)
			(void)fprintf(stderr, "ffs_stick: control: %m\n");
	}
	return NULL;
}

static int
endpoint(const char *dir, const char *name)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

static void
open_image(struct stick *s, const char *path)
{
	struct stat st;
	int fd;

	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < BLOCK)
		die(path);
	s->blocks = (uint64_t)st.st_size / BLOCK;
	s->image = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	s->seen = calloc(s->blocks, 1);
	if (s->image == MAP_FAILED || s->seen == NULL)
		die(path);
}

static void
background(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0) {
		(void)printf("%d\n", (int)pid);
		exit(0);
	}
	(void)setsid();
	(void)close(STDOUT_FILENO);
}

int
main(int argc, char **argv)
{
	static struct command c;
	struct stick s = { 0 };
	pthread_t t;

	if (argc != 4)
		return 2;
	while (s.lie < LIE_COUNT && strcmp(names[s.lie], argv[3]) != 0)
		s.lie++;
	if (s.lie == LIE_COUNT)
		return 2;
	open_image(&s, argv[2]);
	s.ep0 = endpoint(argv[1], "ep0");
	if (write(s.ep0, &descs, sizeof(descs)) != sizeof(descs) ||
	    write(s.ep0, &no_strings, sizeof(no_strings)) != sizeof(no_strings))
		die("descriptors");
	s.in = endpoint(argv[1], "ep1");
	s.out = endpoint(argv[1], "ep2");
	background();
	if (pthread_create(&t, NULL, control, &s) != 0)
		die("thread");
	for (;;) {
		if (read(s.out, c.cbw, sizeof(c.cbw)) == CBW_LEN &&
		    memcmp(c.cbw, "USBC", 4) == 0)
			(void)run(&s, &c);
		else if (errno == ENODEV)
			return 0;
	}
}
