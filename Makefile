# SPDX-License-Identifier: Apache-2.0
# One non-recursive GNU Makefile.  A program's object list is its privilege
# map: what is not listed is not in it.  "make help" lists the targets.

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec/coldseal
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/coldseal
UDEVDIR ?= $(PREFIX)/lib/udev/rules.d
B ?= build
V ?= 0
SHARED ?= ../shared

CC = cc
PKG_CONFIG ?= pkg-config
CLANG ?= clang
CLANG_FORMAT ?= clang-format
INSTALL ?= install
Q := $(if $(filter 1,$(V)),,@)

WARN := -Wall -Wextra -Wconversion -Wshadow -Wformat=2 \
	-Wimplicit-fallthrough -Werror
# OpenSSF compiler options hardening guide
HARDEN := -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 \
	-fstack-protector-strong -fstack-clash-protection -fcf-protection \
	-fPIE -fno-delete-null-pointer-checks -fno-strict-overflow \
	-fno-strict-aliasing -ftrivial-auto-var-init=zero
HARDEN_LD := -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed
ifeq ($(SANITIZE),1)
HARDEN := -O1 -fPIE -fno-omit-frame-pointer -DCS_SANITIZE \
	-fsanitize=address,undefined -fno-sanitize-recover=all
HARDEN_LD := -pie -fsanitize=address,undefined -Wl,--as-needed
endif
# before the packages are there, make must still be able to install them
pc_cflags = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null)
pc_libs = $(shell $(PKG_CONFIG) --libs $(1))
# the libraries whose headers lie in folders of their own
OWN_CFLAGS := $(call pc_cflags,p11-kit-1) $(call pc_cflags,libpq) \
	$(call pc_cflags,libusb-1.0)
CSTD := -std=gnu17 -I. -D_GNU_SOURCE $(OWN_CFLAGS)
COMPILE = $(CC) $(CSTD) $(CPPFLAGS) -g $(WARN) $(HARDEN) $(CFLAGS)

.PHONY: all demo check check-build check-run check-usb check-usb-run bench-usb \
	bench-usb-run mutation \
	mutation-run lint fuzz fuzz-run bench bench-run sanitize install \
	uninstall clean help packages
.SECONDARY:
all:

# --- objects by concept ---------------------------------------------------
o = $(patsubst %,$(B)/%.o,$(1))
lib = $(call o,$(addprefix lib/,$(1)))

BASE := $(call lib,err buf file ipc hex pgpwords sha)
SECRET := $(call lib,secret)
SANDBOX := $(call lib,sandbox)
TEXT := $(call lib,b64 utf8)
QRFRAME := $(call lib,b32 qrframe)
QRTEXT := $(call lib,qrtext)
JSON := $(call lib,json jsoncanon time)
KEY := $(call lib,key key_normal keyverify)
# one file per format of signatures, and their table
FORMATS := $(call lib,sigfmt sigfmt_cms sigfmt_dsse sigfmt_kmod sigfmt_minisign \
	sigfmt_note sigfmt_openpgp sigfmt_pgp sigfmt_pgp_cert sigfmt_pgp_file \
	sigfmt_pe sigfmt_raw sigfmt_rpm sigfmt_signify sigfmt_sshsig \
	sigfmt_util sigfmt_x509 pgp x509_cert x509_crl x509_lint x509_outer \
	x509_wish efivar sigfmt_efivar)
# what a format hashes of a file: who reads artifacts has it
FILEHASH := $(call lib,filehash filehash_pe filehash_rpm)
MERKLE := $(call lib,merkle)
NOTE := $(call lib,note notekey checkpoint cosign tlogproof)
CANON := $(call lib,canon canonget)
TLOG := $(call lib,tiles tlogappend tlogfile tlogopen tlogread tlogparts \
	tlogtree tlogwalk)
DOC := $(call lib,dsse statement policy policy_parse policy_load \
	policy_check policy_check_rules policy_evidence policy_index \
	policy_lists policy_next policy_rules policy_uri request change \
	change_params change_record approval record refusal checks \
	evaluate evaluate_approvals evaluate_artifacts evaluate_change \
	evaluate_limits \
	evaluate_scope)
EVIDENCE := $(call lib,evidence evidence_envelope evidence_other \
	evidence_provenance evidence_report evidence_severity \
	evidence_statement evidence_time evidence_types evidence_vulns)
# what a policy means, for people
GOVERN := $(call lib,authority authority_csv authority_json authority_rows \
	authority_sets authority_text policy_diff policy_diff_fields \
	policy_diff_pair policy_diff_values policy_explain policy_lint \
	policy_lint_parts policy_lint_rules policy_review policy_words)
DIRLIST := $(call lib,dirlist)
TOKENLOG := $(call lib,token_log)
SHARE := $(call lib,share share_check share_cms share_manifest)
DOCUMENTS := $(TEXT) $(JSON) $(KEY) $(FORMATS) $(MERKLE) $(DOC)
LOG := $(NOTE) $(CANON) $(TLOG)

BUNDLE := $(call o,$(addprefix usb-transfer/,bundle bundle_read bundle_write))
FAT := $(call o,$(addprefix usb-transfer/,blk fat fat_file fat_probe fat_root \
	media_names parts))
FATVOL := $(call o,$(addprefix usb-transfer/,fatvol fatvol_parts))
USBPORT := $(call o,$(addprefix usb-transfer/,usbdesc usbdesc_rule usbport \
	usbport_lock))
# a stick without a kernel driver, or an image file; only intake and export
MEDIUM := $(call o,$(addprefix usb-transfer/,bot bot_scsi bot_usb medium))
MEDIA := $(call o,$(addprefix usb-transfer/,media_folder media_host \
	media_seen media_source))
OUTFILES := $(call o,usb-transfer/outfiles)
# cells, sessions and requests of the link; a socket instead of a cable
LINK := $(call o,$(addprefix usb-transfer/,crc32c link link_req link_stream))
# what needs no TPM: the host tool has it too
TPM_POLICY := $(call o,$(addprefix tpm/,image nv_name policy public tree)) \
	$(call lib,quorum)
TPM := $(call o,$(addprefix tpm/,tpm_ctx tpm_busy tpm_err tpm_blob tpm_flush \
	tpm_logkey tpm_nv tpm_quorum tpm_seal tpm_session tpm_setup)) $(TPM_POLICY)
# what a TPM says, without what it takes to verify or to be enrolled
ATTEST_SAY := $(call o,$(addprefix tpm/,attest_keys attest_quote \
	attest_verify attest_verify_answer attest_verify_ek attest_verify_key))
ATTEST_ENROLL := $(ATTEST_SAY) $(call o,$(addprefix tpm/,attest_activate \
	attest_verify_file))
ATTEST_VERIFY := $(call o,$(addprefix tpm/,attest_verify attest_verify_answer \
	attest_verify_checks attest_verify_cred attest_verify_ek \
	attest_verify_file attest_verify_key attest_verify_log \
	attest_verify_nv))
P11 := $(call o,$(addprefix hsm/,p11 p11_err p11_key p11_make p11_match \
	p11_object p11_public p11_session p11_uri sign))
CERT := $(call o,$(addprefix hsm/,selfsign sign_format tbs))
# keys of a policy: what an update and a key ceremony need
KEYS := $(call o,$(addprefix hsm/,csr key_uri p11_change policy_keys seal_label \
	tbs))
RECOVER := $(SHARE) $(call o,$(addprefix hsm/,recover_gf recover_join \
	recover_session recover_split))
LEDGER := $(call o,$(addprefix appliance/,ledger ledger_anchor index \
	index_apply))

HOST := blockdev blockdev_free attest_challenge attest_check attest_enroll attest_inputs \
	audit_accept audit_anchor audit_attest audit_db audit_field \
	audit_import audit_keep audit_leaf audit_pairs audit_pg \
	audit_pg_copy audit_pg_rows audit_read audit_rebuild audit_receipt \
	audit_rows audit_schema audit_seen audit_sqlite audit_status \
	audit_store audit_verify audit_where audit_words certificate efivar_request \
	change_create \
	change_show cli docs evfiles formats govern govern_diff \
	govern_explain govern_lint govern_review hostkey hostkey_p11 \
	hostkey_pem image_sign inputs logsource main media media_check media_device \
	media_read media_write multihash newfile package package_write policy_pubkey \
	policy_show policy_sign policy_simulate progress reqfile reqnew \
	tilefiles \
	request_approve request_check request_create \
	request_show resp_change resp_check resp_sigs respfile response_extract \
	response_verify share_inputs share_reseal share_show show verdict \
	who_can_sign
# the USB link
HOST += cable link_receive link_send link_status
# what auditors ask
HOST += audit_export audit_log audit_policy audit_query audit_report \
	audit_trace audit_trace_of audit_trace_show audit_view audit_who html \
	report_changes report_chart report_end report_findings report_head report_policy \
	report_style report_tables report_verify
# signatures put into what they are of
HOST += install install_pe install_rpm response_install

# --- programs: objects, then libraries by pkg-config name -----------------
PROGRAMS := coldseald coldseal-core coldseal-console coldseal-intake \
	coldseal-export coldseal-link coldseal-signer coldseal-token coldseal-provision \
	coldseal-rehearsal-token coldseal-usb coldseal

coldseald_O := $(call o,$(addprefix appliance/,coldseald linkport mediaport spawn site \
	terminal)) \
	$(BASE) $(SANDBOX) $(JSON) $(call lib,utf8)
coldseald_L := libcrypto jansson libseccomp

coldseal-core_O := $(call o,$(addprefix appliance/,core core_io core_signer \
	core_clock core_log core_anchor core_session core_boot core_case \
	core_approve core_former core_intake core_link core_sign core_attest core_out \
	core_ahead core_audit core_change core_change_view core_export core_gates \
	core_medium core_receipt core_unseal core_hsmlog terminal \
	core_show core_trace \
	core_who)) \
	$(call lib,quorum sessions) $(LEDGER) $(BASE) $(SANDBOX) $(DOCUMENTS) $(EVIDENCE) $(GOVERN) \
	$(LOG) $(DIRLIST) $(QRFRAME) $(TOKENLOG)
coldseal-core_L := libcrypto jansson sqlite3 libseccomp

coldseal-console_O := $(call o,appliance/console) $(BASE) $(SECRET) $(SANDBOX) \
	$(QRTEXT)
coldseal-console_L := libcrypto libseccomp libqrencode

coldseal-intake_O := $(call o,usb-transfer/intake) $(BUNDLE) $(FAT) $(FATVOL) \
	$(MEDIUM) $(FILEHASH) $(BASE) $(SANDBOX)
coldseal-intake_L := libcrypto libseccomp libusb-1.0

coldseal-export_O := $(call o,$(addprefix usb-transfer/,export blk fat_probe \
	parts)) $(OUTFILES) $(BUNDLE) $(FATVOL) $(MEDIUM) $(BASE) $(SANDBOX)
coldseal-export_L := libcrypto libseccomp libusb-1.0

# no parser of media, no network, no PKCS#11: it decides what is switched on
coldseal-usb_O := $(call o,$(addprefix usb-transfer/,broker broker_list \
	broker_port)) $(USBPORT) $(BASE) $(SANDBOX)
coldseal-usb_L := libcrypto libseccomp

coldseal-link_O := $(call o,$(addprefix usb-transfer/,linkd linkd_give linkd_take \
	link_ffs)) $(LINK) $(OUTFILES) $(BUNDLE) $(BASE) $(SANDBOX)
coldseal-link_L := libcrypto libseccomp

coldseal-signer_O := $(call o,$(addprefix hsm/,signer signer_attest \
	signer_audit signer_change signer_check signer_job signer_keys \
	signer_parts signer_reseal signer_seal signer_sign signer_tpm signer_unseal \
	signer_log yubihsm_log)) $(TOKENLOG) \
	$(call lib,sessions) $(P11) $(CERT) $(KEYS) $(TPM) $(ATTEST_SAY) $(BASE) $(SECRET) \
	$(SANDBOX) $(DOCUMENTS) $(EVIDENCE) $(NOTE)
coldseal-signer_L := libcrypto jansson libseccomp p11-kit-1 tss2-esys \
	tss2-sys tss2-mu tss2-tctildr tss2-rc

coldseal-token_O := $(call o,hsm/token) $(P11) $(BASE) $(SECRET) $(SANDBOX) \
	$(KEY)
coldseal-token_L := libcrypto libseccomp p11-kit-1

coldseal-provision_O := $(call o,$(addprefix hsm/,provision provision_audit \
	provision_enroll provision_escrow provision_image provision_keys provision_oldlog \
	provision_policy provision_recover provision_shares provision_state)) \
	$(P11) $(CERT) $(call o,$(addprefix hsm/,key_uri policy_keys seal_label)) $(TPM) \
	$(ATTEST_ENROLL) $(BASE) $(SECRET) $(SANDBOX) \
	$(DOCUMENTS) $(LOG) $(RECOVER)
coldseal-provision_L := libcrypto jansson libseccomp p11-kit-1 tss2-esys tss2-sys \
	tss2-mu tss2-tctildr tss2-rc libgfshare

coldseal-rehearsal-token_O := $(call o,hsm/rehearsal_token) $(P11) $(BASE) \
	$(SECRET) $(KEY) $(TEXT) $(JSON)
coldseal-rehearsal-token_L := libcrypto jansson p11-kit-1

coldseal_O := $(call o,$(addprefix host-tools/,$(HOST))) $(P11) $(BUNDLE) \
	$(LINK) $(call o,usb-transfer/link_usb) \
	$(FAT) $(FATVOL) $(MEDIA) $(BASE) $(SECRET) $(SANDBOX) $(DOCUMENTS) \
	$(EVIDENCE) $(LOG) $(ATTEST_VERIFY) $(SHARE) $(TPM_POLICY) \
	$(QRFRAME) $(QRTEXT) $(GOVERN) $(DIRLIST) $(FILEHASH)
coldseal_L := libcrypto jansson sqlite3 libpq libseccomp p11-kit-1 tss2-mu \
	libusb-1.0 \
	libqrencode

BINS := $(PROGRAMS:%=$(B)/bin/%)
SCRIPTS := $(B)/bin/coldseal-rehearsal
MAN := host-tools/coldseal.1 host-tools/coldseal-request.1 \
	host-tools/coldseal-certificate.1 host-tools/coldseal-efivar.1 host-tools/coldseal-change.1 \
	host-tools/coldseal-link.1 host-tools/coldseal-media.1 host-tools/coldseal-response.1 \
	host-tools/coldseal-audit.1 host-tools/coldseal-policy.1 \
	host-tools/coldseal-attest.1 host-tools/coldseal-image.1 host-tools/coldseal-share.1 \
	host-tools/coldseal-who-can-sign.1 host-tools/coldseal-formats.1 \
	host-tools/coldseal-rehearsal.1 appliance/coldseald.8 \
	usb-transfer/coldseal-usb.8 \
	hsm/coldseal-provision.8
PAGES := README.md appliance/README.privsep lib/PROTOCOL.documents \
	lib/PROTOCOL.policy lib/policy.schema.json lib/PROTOCOL.log \
	lib/PROTOCOL.events lib/PROTOCOL.recovery lib/PROTOCOL.evidence lib/PROTOCOL.formats \
	usb-transfer/PROTOCOL.bundle \
	usb-transfer/PROTOCOL.media usb-transfer/README.hardware \
	tpm/PROTOCOL.attest \
	host-tools/README.audit-db lib/PROTOCOL.receipt
PAGES += tests/lib/gocheck.go usb-transfer/PROTOCOL.link
UDEV := usb-transfer/70-coldseal-link.rules

all: $(BINS) $(SCRIPTS)

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@$(if $(Q),echo "  CC	$<",:)
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

define program
$(B)/bin/$(1): $$($(1)_O)
	@mkdir -p $$(@D)
	@$$(if $$(Q),echo "  LD	$$@",:)
	$$(Q)$$(CC) $$(HARDEN_LD) $$(LDFLAGS) -o $$@ $$^ \
	    $$(call pc_libs,$$($(1)_L)) -lpthread
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

$(B)/bin/coldseal-rehearsal: host-tools/coldseal-rehearsal
	@mkdir -p $(@D)
	$(Q)$(INSTALL) -m 755 $< $@

# --- tests ----------------------------------------------------------------
# A unit test may use any object that has no main().
MAIN_O := $(call o,appliance/coldseald appliance/core appliance/console \
	usb-transfer/intake usb-transfer/export usb-transfer/broker usb-transfer/linkd \
	hsm/signer hsm/token hsm/provision hsm/rehearsal_token host-tools/main)
TEST_O := $(filter-out $(MAIN_O),$(sort \
	$(foreach p,$(PROGRAMS),$($(p)_O))))
TEST_L := libcrypto jansson sqlite3 libpq libseccomp p11-kit-1 tss2-esys tss2-sys \
	tss2-mu tss2-tctildr tss2-rc libgfshare libqrencode libusb-1.0 cmocka
TEST_TOOLS := mklog_main mkevents mkresp mkshares mkattest askchip qrpgm \
	usbask mediarun linkproxy linkrun
RIG_O := $(call o,$(filter-out $(TEST_TOOLS:%=tests/lib/%) tests/lib/fake%,\
	$(patsubst %.c,%,$(wildcard tests/lib/*.c))))
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAY := $(FUZZ:%=$(B)/replay/%)
TOOLS := $(B)/tests/mklog $(B)/tests/mkevents $(B)/tests/mkresp $(B)/tests/mkshares $(B)/tests/mkattest \
	$(B)/tests/askchip $(B)/tests/qrpgm $(B)/tests/usbask $(B)/tests/mediarun \
	$(B)/tests/linkproxy $(B)/tests/linkrun
FAKES := $(patsubst tests/lib/%.c,$(B)/tests/%.so,$(wildcard tests/lib/fake*.c))
CEREMONY := $(wildcard tests/ceremony/*.t)
TEST_ENV = CS_BIN=$(abspath $(B))/bin CS_TEST_BIN=$(abspath $(B))/tests CS_TESTS=$(abspath $(B))/tests \
	CS_SHARED=$(abspath $(SHARED)) CS_TOP=$(CURDIR)

$(B)/test.a: $(TEST_O) $(RIG_O)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/tests/test_tiles $(B)/tests/test_tilescrash $(B)/tests/test_audit_walk: $(B)/tests/unit/tiles_rig.o
$(B)/tests/test_attest $(B)/tests/test_attest_enrol: \
	$(B)/tests/unit/attest_rig.o
# plays a usbfs, for real libusb; the only test that knows GLib
$(B)/tests/unit/test_bot_usb.o: CFLAGS += $(patsubst -I%,-isystem %,\
	$(call pc_cflags,umockdev-1.0))
$(B)/tests/test_bot_usb: TEST_L += umockdev-1.0 gobject-2.0 glib-2.0
$(B)/tests/%: $(B)/tests/unit/%.o $(B)/test.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(HARDEN_LD) $(LDFLAGS) -o $@ $(filter %.o,$^) \
	    $(filter %.a,$^) $(call pc_libs,$(TEST_L)) -lpthread
$(B)/tests/mklog: $(B)/tests/lib/mklog_main.o
$(B)/tests/mkevents: $(B)/tests/lib/mkevents.o
$(B)/tests/mkresp: $(B)/tests/lib/mkresp.o
$(B)/tests/mkshares: $(B)/tests/lib/mkshares.o
$(B)/tests/mkattest: $(B)/tests/lib/mkattest.o
$(B)/tests/askchip: $(B)/tests/lib/askchip.o
$(B)/tests/qrpgm: $(B)/tests/lib/qrpgm.o
$(B)/tests/linkproxy: $(B)/tests/lib/linkproxy.o
$(B)/tests/linkrun: $(B)/tests/lib/linkrun.o
$(B)/tests/usbask: $(B)/tests/lib/usbask.o
$(B)/tests/mediarun: $(B)/tests/lib/mediarun.o
$(TOOLS): $(B)/test.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(HARDEN_LD) $(LDFLAGS) -o $@ $(filter %.o,$^) $< \
	    $(call pc_libs,$(TEST_L)) -lpthread
# its log has the form that ours reads: the same code writes it
$(B)/tests/fake_yubihsm.so: $(addprefix lib/,buf.c err.c hex.c sha.c token_log.c)
$(B)/tests/%.so: tests/lib/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CSTD) $(CPPFLAGS) -g $(WARN) -O1 -fPIC -shared -o $@ \
	    $(filter %.c,$^)
$(B)/replay/%: $(B)/tests/fuzz/%.o $(B)/tests/fuzz/replay.o $(B)/test.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ $(call pc_libs,$(TEST_L)) \
	    -lpthread

# What is missing of packages is installed first: it says what it installs.
packages:
	$(Q)tests/packages.sh packages

demo: packages
	+$(Q)$(MAKE) --no-print-directory all $(B)/tests/askchip
	$(Q)tests/demo.sh $(B)/bin .

check: packages
	+$(Q)$(MAKE) --no-print-directory check-run

check-build: all $(UNIT) $(REPLAY) $(TOOLS) $(FAKES)
check-run: check-build
	$(Q)$(TEST_ENV) tests/run.sh $(B)/test-logs $(UNIT) \
	    $(REPLAY:%=%) $(CEREMONY) tests/unit/check_man.sh \
	    tests/unit/check_manual.sh tests/unit/host_change.sh

# Takes every check of the policy manual out: its test must fail.  CHECKS are
# lines of tests/mutation/table, if not all are wanted.
mutation: packages
	+$(Q)$(MAKE) --no-print-directory mutation-run
mutation-run: $(UNIT) $(B)/tests/mutation/only.o
	$(Q)$(TEST_ENV) CS_COMPILE='$(COMPILE)' \
	    CS_LINK='$(CC) $(HARDEN_LD) $(LDFLAGS)' \
	    CS_LIBS='$(call pc_libs,$(TEST_L)) -lpthread' \
	    tests/mutation/run.sh $(B) $(CHECKS)

# Guests in QEMU with Debian's own kernel: real USB stacks, and hostile devices.
QEMU := $(B)/qemu
QEMU_TOOLS := $(patsubst tests/qemu/%.c,$(QEMU)/bin/%,\
	$(wildcard tests/qemu/*.c))
QEMU_FILES := $(addprefix tests/qemu/,initrd.sh init guest.sh gadget.sh) \
	tests/lib/tap.sh
$(QEMU)/kernel/release: tests/qemu/kernel.sh
	$(Q)tests/qemu/kernel.sh $(QEMU)/kernel
$(QEMU)/base.cpio: $(QEMU)/kernel/release $(QEMU_FILES)
	$(Q)tests/qemu/initrd.sh base $(QEMU)/kernel $@
$(QEMU)/bin/use_stick: $(BASE)
$(QEMU)/bin/use_stick: QEMU_L = libcrypto
$(QEMU)/bin/%: $(B)/tests/qemu/%.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ \
	    $(if $(QEMU_L),$(call pc_libs,$(QEMU_L))) -lpthread
check-usb: packages
	+$(Q)$(MAKE) --no-print-directory check-usb-run
check-usb-run: all $(QEMU)/base.cpio $(QEMU_TOOLS)
	$(Q)$(TEST_ENV) CS_QEMU=$(abspath $(QEMU)) \
	    tests/run.sh $(QEMU)/logs $(wildcard tests/qemu/*.t)
bench-usb: packages
	+$(Q)$(MAKE) --no-print-directory bench-usb-run
bench-usb-run: all $(QEMU)/base.cpio $(QEMU_TOOLS) $(B)/bench/bench_link
	$(Q)$(TEST_ENV) CS_QEMU=$(abspath $(QEMU)) tests/qemu/bench.sh $(B)

sanitize: packages
	+$(Q)$(MAKE) --no-print-directory B=$(B)/sanitize SANITIZE=1 check-run

bench: packages
	+$(Q)$(MAKE) --no-print-directory bench-run
bench-run: all $(B)/bench/bench $(B)/bench/bench_tpm \
	$(B)/bench/bench_authority $(B)/bench/bench_policy $(B)/bench/bench_link \
	$(B)/bench/bench_audit $(B)/tests/mklog $(B)/tests/mkevents
	$(Q)$(TEST_ENV) tests/bench/run.sh $(B)
$(B)/bench/%: $(B)/tests/bench/%.o $(B)/test.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ $(call pc_libs,$(TEST_L)) \
	    -lpthread

FUZZ_SECONDS ?= 30
fuzz: packages
	+$(Q)$(MAKE) --no-print-directory B=$(B)/fuzz CC=$(CLANG) SANITIZE=1 \
	    CFLAGS="-fsanitize=fuzzer-no-link" fuzz-run
$(B)/target/%: $(B)/tests/fuzz/%.o $(B)/test.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(HARDEN_LD) -fsanitize=fuzzer -o $@ $^ \
	    $(call pc_libs,$(TEST_L)) -lpthread
fuzz-run: $(FUZZ:%=$(B)/target/%)
	$(Q)for f in $(FUZZ); do \
	    mkdir -p $(B)/corpus/$$f; c=tests/fuzz/corpus/$${f#fuzz_}; \
	    echo "$$f"; $(B)/target/$$f -max_total_time=$(FUZZ_SECONDS) \
	    -print_final_stats=0 -verbosity=0 -artifact_prefix=$(B)/$$f- \
	    $(B)/corpus/$$f \
	    $$( [ -d $$c ] && echo $$c ) || exit 1; done

# --- lint -----------------------------------------------------------------
C_FILES = $(wildcard lib/*.c usb-transfer/*.c tpm/*.c hsm/*.c appliance/*.c \
	host-tools/*.c tests/*/*.c)
lint: all
	$(Q)if $(CLANG_FORMAT) --version | grep -q 'version 14\.'; then \
	    $(CLANG_FORMAT) --dry-run -Werror $(C_FILES); \
	else \
	    echo "lint: format: only clang-format 14 (Debian 12) is asked"; \
	fi
	$(Q)cppcheck --quiet --std=c11 --enable=warning,portability \
	    --inline-suppr --error-exitcode=1 \
	    --suppressions-list=tests/lint/cppcheck -I. -D_GNU_SOURCE \
	    lib usb-transfer tpm hsm appliance host-tools
	$(Q)tests/lint/headers.sh $(CC) $(CSTD) -Wall -Wextra -Werror
	$(Q)tests/lint/directions.sh $(B)/bin
	$(Q)mandoc -Tlint -W warning $(MAN)

install: all
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(SBINDIR) \
	    $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(MANDIR)/man1 \
	    $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(DOCDIR) $(DESTDIR)$(UDEVDIR)
	$(INSTALL) -m 755 $(B)/bin/coldseal $(B)/bin/coldseal-rehearsal \
	    $(DESTDIR)$(BINDIR)
	$(INSTALL) -m 755 $(filter-out %/coldseal,$(BINS)) \
	    $(DESTDIR)$(LIBEXECDIR)
	ln -sf $(addprefix $(LIBEXECDIR)/,coldseald coldseal-provision \
	    coldseal-usb) $(DESTDIR)$(SBINDIR)
	$(INSTALL) -m 644 $(filter %.1,$(MAN)) $(DESTDIR)$(MANDIR)/man1
	$(INSTALL) -m 644 $(filter %.8,$(MAN)) $(DESTDIR)$(MANDIR)/man8
	$(INSTALL) -m 644 LICENSE $(PAGES) $(DESTDIR)$(DOCDIR)
	$(INSTALL) -m 644 $(UDEV) $(DESTDIR)$(UDEVDIR)

# What install put there, by name; a folder only if nothing else is in it.
uninstall:
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,coldseal coldseal-rehearsal) \
	    $(addprefix $(DESTDIR)$(SBINDIR)/,coldseald coldseal-provision coldseal-usb) \
	    $(addprefix $(DESTDIR)$(LIBEXECDIR)/,$(filter-out coldseal,$(PROGRAMS))) \
	    $(addprefix $(DESTDIR)$(MANDIR)/man1/,$(notdir $(filter %.1,$(MAN)))) \
	    $(addprefix $(DESTDIR)$(MANDIR)/man8/,$(notdir $(filter %.8,$(MAN)))) \
	    $(addprefix $(DESTDIR)$(DOCDIR)/,LICENSE $(notdir $(PAGES))) \
	    $(addprefix $(DESTDIR)$(UDEVDIR)/,$(notdir $(UDEV)))
	-rmdir $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(DOCDIR)

clean:
	rm -rf $(B) demo

help:
	@echo "make all       build everything below $(B)/"
	@echo "make demo      a whole ceremony, told in 40 lines; fills demo/"
	@echo "make check     every test"
	@echo "make check-usb sticks and links in QEMU guests, with real USB stacks"
	@echo "make sanitize  the same tests with ASan and UBSan"
	@echo "make mutation  takes each check of the manual out: a test must fail"
	@echo "make lint      format, cppcheck, headers, directions, man pages"
	@echo "make fuzz      libFuzzer on every parser, FUZZ_SECONDS=30 each"
	@echo "make bench     ratios to the floor; writes $(B)/bench.json"
	@echo "make bench-usb the same of sticks and the link, in QEMU guests"
	@echo "make install   PREFIX=$(PREFIX) DESTDIR=; uninstall takes it away"
	@echo "make clean     V=1 shows commands, B=DIR builds elsewhere"

-include $(shell find $(B) -name '*.d' 2>/dev/null)
