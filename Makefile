# make            build the optimised library
# make demo       sign in, use the token, see that the second call costs nothing
# make check      every test that takes minutes at most
# make install    PREFIX=/usr/local DESTDIR= LIBDIR= INCLUDEDIR=
# make header     refresh include/emnify.h from src/ffi

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DESTDIR    ?=

CARGO   ?= cargo
CC      ?= cc
INSTALL ?= install
# What was tested is what is built.
CARGO_FLAGS ?= --locked
PKG_CONFIG  ?= pkg-config

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# Before 1.0 a minor version may change the interface, so it is part of the name.
SOVERSION := $(shell echo $(VERSION) | sed -E 's/^(0\.[0-9]+)\..*/\1/; t; s/\..*//')

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
BUILD := build
# A private installation, for the demo and the tests.
STAGE := $(CURDIR)/$(BUILD)/stage
STAGE_DONE := $(BUILD)/staged

SOURCES := $(shell find src capi include -type f) Cargo.toml Cargo.lock build.rs emnify.pc.in

.PHONY: all demo check install stage header simulator clean

all: $(BUILD)/native-static-libs

# Builds the library. Which libraries a static link needs besides is the compiler's to say, and it
# says it when it builds the static one.
$(BUILD)/native-static-libs: $(SOURCES)
	@mkdir -p $(BUILD)
	$(CARGO) rustc $(CARGO_FLAGS) --release --package emnify-capi --lib -- \
	  --print native-static-libs 2>&1 | tee $(BUILD)/cargo.log
	@sed -n 's/^note: native-static-libs: //p' $(BUILD)/cargo.log | tail -n 1 > $@.new
	@test -s $@.new || { echo "make: the library was not built; see above" >&2; exit 1; }
	@mv $@.new $@

install: $(BUILD)/native-static-libs
	$(INSTALL) -d $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(LIBDIR)/pkgconfig
	$(INSTALL) -m 644 include/emnify.h $(DESTDIR)$(INCLUDEDIR)/emnify.h
	$(INSTALL) -m 755 $(TARGET_DIR)/release/libemnify.so $(DESTDIR)$(LIBDIR)/libemnify.so.$(VERSION)
	ln -sf libemnify.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libemnify.so.$(SOVERSION)
	ln -sf libemnify.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libemnify.so
	$(INSTALL) -m 644 $(TARGET_DIR)/release/libemnify.a $(DESTDIR)$(LIBDIR)/libemnify.a
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
	  -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' \
	  -e "s|@LIBS_PRIVATE@|$$(cat $(BUILD)/native-static-libs)|" \
	  emnify.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/emnify.pc

$(STAGE_DONE): $(BUILD)/native-static-libs Makefile
	@$(MAKE) --no-print-directory install DESTDIR= PREFIX=$(STAGE) \
	  LIBDIR=$(STAGE)/lib INCLUDEDIR=$(STAGE)/include > $(BUILD)/install.log
	@touch $@

# Where the tests find the library as a user would.
stage: $(STAGE_DONE)

simulator:
	$(CARGO) build $(CARGO_FLAGS) --quiet --package emnify-simulator

demo: stage simulator
	@CC="$(CC)" PKG_CONFIG="$(PKG_CONFIG)" STAGE="$(STAGE)" BUILD="$(BUILD)" \
	  SIMULATOR="$(TARGET_DIR)/debug/emnify-simulator" sh examples-c/demo.sh

header:
	$(CARGO) build $(CARGO_FLAGS) --quiet --features headergen --message-format=json \
	  | sed -n 's/.*"out_dir":"\([^"]*emnify-[0-9a-f]*\/out\)".*/\1/p' | tail -n 1 \
	  | xargs -I{} cp {}/emnify.h include/emnify.h

# The features are those of the library and its tests together, so that all is compiled once.
check: stage
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(CARGO_FLAGS) --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc $(CARGO_FLAGS) --quiet --no-deps --all-features \
	  --package emnify --package emnify-simulator
	EMNIFY_STAGE=$(STAGE) $(CARGO) test $(CARGO_FLAGS) --workspace --all-features

clean:
	rm -rf $(BUILD)
	$(CARGO) clean
