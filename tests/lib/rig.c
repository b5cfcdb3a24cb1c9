/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/lib/rig_die.h"

#define OUTPUT_MAX (1u << 20)
#define MAX_FDS	   8

static const char *const modules[] = {
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib64/softhsm/libsofthsm2.so",
};

void
rig_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fprintf(stderr, "rig: ");
	(void)vfprintf(stderr, fmt, ap);
	(void)fprintf(stderr, "\n");
	va_end(ap);
	exit(99);
}

static void
milliseconds(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

void
rig_path(const struct rig *r, const char *name, char out[RIG_PATH])
{
	int n = snprintf(out, RIG_PATH, "%s/%s", r->dir, name);

	if (n < 0 || n >= RIG_PATH)
		rig_die("path too long: %s/%s", r->dir, name);
}

void
rig_write(const struct rig *r, const char *name, const void *data, size_t len,
    char out[RIG_PATH])
{
	FILE *f;

	rig_path(r, name, out);
	f = fopen(out, "we");
	if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0)
		rig_die("cannot write %s", out);
}

void
rig_softhsm(const struct rig *r, const char *name, char out[RIG_PATH])
{
	char text[2 * RIG_PATH], path[RIG_PATH], conf[64];

	(void)snprintf(conf, sizeof(conf), "%s.tokens", name);
	rig_path(r, conf, path);
	if (mkdir(path, 0700) != 0)
		rig_die("mkdir %s: %s", path, strerror(errno));
	(void)snprintf(text, sizeof(text),
	    "directories.tokendir = %s\nobjectstore.backend = file\n"
	    "log.level = ERROR\n",
	    path);
	(void)snprintf(conf, sizeof(conf), "%s.conf", name);
	rig_write(r, conf, text, strlen(text), out);
}

static void
exec_child(const struct rig *r, const char *const argv[], const char *env)
{
	char path[2 * RIG_PATH], *copy[64];
	size_t i;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; argv[i] != NULL && i + 1 < ARRAY_LEN(copy); i++)
		copy[i] = strdup(argv[i]);
	copy[i] = NULL;
	if (env != NULL && putenv(strdup(env)) != 0)
		_exit(126);
	(void)snprintf(path, sizeof(path), "%s/%s", r->bin, argv[0]);
	if (strncmp(argv[0], "coldseal", 8) == 0)
		(void)execv(path, copy);
	else
		(void)execvp(argv[0], copy);
	_exit(127);
}

pid_t
rig_spawn(const struct rig *r, const char *const argv[], const char *env,
    const int *fds, size_t nfds)
{
	pid_t pid = fork();
	int high[MAX_FDS];
	size_t i;

	if (pid < 0)
		rig_die("fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	for (i = 0; i < nfds && i < MAX_FDS; i++)
		high[i] = fcntl(fds[i], F_DUPFD, 64);
	for (i = 0; i < nfds && i < MAX_FDS; i++)
		if (high[i] < 0 || dup2(high[i], 3 + (int)i) < 0)
			_exit(126);
	for (i = 3 + nfds; i < 256; i++)
		(void)close((int)i);
	exec_child(r, argv, env);
	_exit(126);
}

int
rig_wait(pid_t pid)
{
	int st;

	while (waitpid(pid, &st, 0) < 0)
		if (errno != EINTR)
			rig_die("waitpid: %s", strerror(errno));
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

static void
drain(int fd[2], char *text[2], size_t len[2])
{
	struct pollfd p[2] = { { fd[0], POLLIN, 0 }, { fd[1], POLLIN, 0 } };
	size_t i, open_count = 2;

	while (open_count > 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			rig_die("poll: %s", strerror(errno));
		for (i = 0; i < 2; i++) {
			ssize_t n;

			if (p[i].fd < 0 || p[i].revents == 0)
				continue;
			n = read(fd[i], text[i] + len[i], OUTPUT_MAX - len[i]);
			if (n <= 0) {
				p[i].fd = -1;
				open_count--;
				continue;
			}
			len[i] += (size_t)n;
		}
	}
}

void
rig_run(const struct rig *r, const char *const argv[], const char *env,
    struct rig_output *ret)
{
	int o[2], e[2], rfd[2];
	char *text[2];
	size_t len[2] = { 0, 0 };
	pid_t pid;

	if (pipe2(o, O_CLOEXEC) != 0 || pipe2(e, O_CLOEXEC) != 0)
		rig_die("pipe: %s", strerror(errno));
	text[0] = calloc(1, OUTPUT_MAX + 1);
	text[1] = calloc(1, OUTPUT_MAX + 1);
	if (text[0] == NULL || text[1] == NULL)
		rig_die("out of memory");
	pid = fork();
	if (pid == 0) {
		if (dup2(o[1], 1) < 0 || dup2(e[1], 2) < 0)
			_exit(126);
		exec_child(r, argv, env);
		_exit(126);
	}
	(void)close(o[1]);
	(void)close(e[1]);
	rfd[0] = o[0];
	rfd[1] = e[0];
	drain(rfd, text, len);
	(void)close(o[0]);
	(void)close(e[0]);
	ret->status = rig_wait(pid);
	ret->out = text[0];
	ret->err = text[1];
	ret->out_len = len[0];
}

void
rig_output_done(struct rig_output *o)
{
	free(o->out);
	free(o->err);
	o->out = o->err = NULL;
}

void
rig_swtpm_start(struct rig *r)
{
	char state[RIG_PATH + 8], srv[RIG_PATH + 32], ctl[RIG_PATH + 32];
	char sock[RIG_PATH], log[RIG_PATH + 16];
	const char *argv[] = { "swtpm", "socket", "--tpm2", "--tpmstate", state,
		"--server", srv, "--ctrl", ctl, "--flags",
		"not-need-init,startup-clear", "--log", log, NULL };
	int i;

	(void)snprintf(state, sizeof(state), "dir=%s/tpm", r->dir);
	(void)snprintf(log, sizeof(log), "file=%s/tpm.log", r->dir);
	rig_path(r, "tpm.sock", sock);
	(void)snprintf(srv, sizeof(srv), "type=unixio,path=%s", sock);
	(void)snprintf(ctl, sizeof(ctl), "type=unixio,path=%s.ctrl", sock);
	(void)unlink(sock);
	r->swtpm = rig_spawn(r, argv, NULL, NULL, 0);
	for (i = 0; access(sock, F_OK) != 0; i++) {
		if (i == 500)
			rig_die("swtpm did not start");
		milliseconds(10);
	}
	milliseconds(20);
	(void)snprintf(r->tcti, sizeof(r->tcti), "swtpm:path=%.*s",
	    RIG_PATH - 16, sock);
}

void
rig_swtpm_stop(struct rig *r)
{
	if (r->swtpm <= 0)
		return;
	(void)kill(r->swtpm, SIGKILL);
	(void)rig_wait(r->swtpm);
	r->swtpm = 0;
}

/* An image release key, and its policy for a TPM that nothing measured. */
static void
make_image(struct rig *r)
{
	char key[RIG_PATH], pcr[3][80];
	EVP_PKEY *k = EVP_EC_gen("P-256");
	BIO *b = BIO_new(BIO_s_mem());
	_cleanup_output_ struct rig_output o = { 0 };
	const char *argv[] = { "coldseal", "image", "sign", "--version", "1000",
		"--pcr", pcr[0], "--pcr", pcr[1], "--pcr", pcr[2], "--key", key,
		"--out", r->image, NULL };
	static const int n[] = { 7, 11, 12 };
	char *text;
	size_t i;
	long len;

	if (k == NULL || b == NULL ||
	    PEM_write_bio_PrivateKey(b, k, NULL, NULL, 0, NULL, NULL) != 1)
		rig_die("no image release key");
	len = BIO_get_mem_data(b, &text);
	rig_write(r, "image.pem", text, (size_t)len, key);
	if (chmod(key, 0600) != 0)
		rig_die("chmod %s", key);
	BIO_free(b);
	EVP_PKEY_free(k);
	for (i = 0; i < ARRAY_LEN(n); i++)
		(void)snprintf(pcr[i], sizeof(pcr[i]), "%d=%064d", n[i], 0);
	rig_path(r, "image.json", r->image);
	rig_run(r, argv, NULL, &o);
	if (o.status != 0)
		rig_die("coldseal image sign: %s", o.err);
}

void
rig_init(struct rig *r)
{
	const char *tmp = getenv("TMPDIR"), *bin = getenv("CS_BIN");
	char path[RIG_PATH], real[4096];
	size_t i;

	memset(r, 0, sizeof(*r));
	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(r->dir, sizeof(r->dir), "%s/coldseal-XXXXXX",
	    tmp == NULL || tmp[0] != '/' ? "/tmp" : tmp);
	if (mkdtemp(r->dir) == NULL)
		rig_die("mkdtemp: %s", strerror(errno));
	if (realpath(bin == NULL ? "build/bin" : bin, real) == NULL ||
	    strlen(real) >= sizeof(r->bin))
		rig_die("CS_BIN: no such folder");
	memcpy(r->bin, real, strlen(real) + 1);
	for (i = 0; i < ARRAY_LEN(modules) && r->module[0] == '\0'; i++)
		if (access(modules[i], R_OK) == 0)
			(void)snprintf(r->module, sizeof(r->module), "%s",
			    modules[i]);
	if (r->module[0] == '\0')
		rig_die("SoftHSM is not installed");
	rig_softhsm(r, "hsm", r->hsm_conf);
	rig_path(r, "tpm", path);
	if (mkdir(path, 0700) != 0)
		rig_die("mkdir %s: %s", path, strerror(errno));
	make_image(r);
	rig_swtpm_start(r);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	(void)remove(path);
	return 0;
}

void
rig_done(struct rig *r)
{
	rig_swtpm_stop(r);
	if (getenv("CS_KEEP") == NULL)
		(void)nftw(r->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
