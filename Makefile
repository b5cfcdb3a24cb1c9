# SPDX-License-Identifier: Apache-2.0
# One non-recursive GNU Makefile.  A program's object list is its privilege
# map: what is not listed is not in it.  "make help" lists the targets.

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec/coldseal
MANDIR ?= $(PREFIX)/share/man
B ?= build
V ?= 0
SHARED ?= ../shared

CC = cc
PKG_CONFIG ?= pkg-config
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
CSTD := -std=gnu17 -I. -D_GNU_SOURCE
pc_cflags = $(shell $(PKG_CONFIG) --cflags $(1))
pc_libs = $(shell $(PKG_CONFIG) --libs $(1))

all:

# --- objects by concept ---------------------------------------------------
o = $(patsubst %,$(B)/%.o,$(1))
lib = $(call o,$(addprefix lib/,$(1)))

BASE := $(call lib,err buf file ipc hex pgpwords sha)
SECRET := $(call lib,secret)
SANDBOX := $(call lib,sandbox)
TEXT := $(call lib,b64 utf8)
JSON := $(call lib,json jsoncanon time)
KEY := $(call lib,key keyverify sigfmt)
MERKLE := $(call lib,merkle)
NOTE := $(call lib,note notekey checkpoint tlogproof canon canonget)
TLOG := $(call lib,tiles tlogappend tlogfile tlogopen tlogread tlogtree \
	tlogwalk)
DOC := $(call lib,dsse statement policy policy_parse policy_load \
	policy_check policy_uri request approval record refusal checks \
	evaluate evaluate_approvals evaluate_artifacts)
DIRLIST := $(call lib,dirlist)
DOCUMENTS := $(TEXT) $(JSON) $(KEY) $(MERKLE) $(DOC)

BUNDLE := $(call o,usb-transfer/bundle usb-transfer/bundle_read \
	usb-transfer/bundle_write)
FAT := $(call o,usb-transfer/blk usb-transfer/fat usb-transfer/fat_probe)
FATVOL := $(call o,usb-transfer/fatvol)
MEDIA := $(call o,usb-transfer/media_host)
TPM := $(call o,$(patsubst %.c,%,$(TPM_SRC)))
P11 := $(call o,$(patsubst %.c,%,$(P11_SRC)))
LEDGER := $(call o,appliance/ledger appliance/index appliance/index_apply)
