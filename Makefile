# make                build the optimised library
# make demo           sign in, use the token, see that the second call costs nothing
# make check          every test that takes minutes at most
# make check-all      and those that take longer: interleavings, sanitizers in the Rust code, the fleet
# make install        PREFIX=/usr/local DESTDIR= LIBDIR= INCLUDEDIR= DOCDIR=   SHARED=no or STATIC=no
# make install-strip  the same, without the names of internal functions
# make uninstall      with the same settings
# make deb            libemnify0.1 and libemnify-dev, under build/
# make fleet          a thousand devices behind one address, in simulated time
# make bench          measures; benches/README.md says what
# make header         refresh include/emnify.h from src/ffi
#
# TARGET=aarch64-unknown-linux-gnu builds for another machine. The tools are then called
# aarch64-linux-gnu-gcc and so on, unless CROSS_COMPILE= or CC, LD, AR, NM, OBJCOPY, STRIP say otherwise.

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DOCDIR     ?= $(PREFIX)/share/doc/emnify
DESTDIR    ?=
SHARED     ?= yes
STATIC     ?= yes

CARGO   ?= cargo
RUSTC   ?= rustc
INSTALL ?= install
# What was tested is what is built.
CARGO_FLAGS ?= --locked
PKG_CONFIG  ?= pkg-config

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# Before 1.0 a minor version may change the interface, so it is part of the name.
SOVERSION := $(shell echo $(VERSION) | sed -E 's/^(0\.[0-9]+)\..*/\1/; t; s/\..*//')

# Of make's command line only: other programs call other things TARGET in the environment.
TARGET      = $(CARGO_BUILD_TARGET)
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
# One for each target, so that going from one to another rebuilds nothing and mixes nothing.
BUILD := build$(TARGET:%=/%)
# A private installation, for the demo and the tests.
STAGE := $(abspath $(BUILD))/stage
STAGE_DONE := $(BUILD)/staged

ifneq ($(TARGET),)
# Rust's name of a machine has a vendor in it and a finer architecture than the compiler's.
ifneq ($(TARGET),$(shell $(RUSTC) -vV | sed -n 's/^host: //p'))
CROSS_COMPILE ?= $(shell echo $(TARGET)- | \
  sed -E 's/-unknown-/-/; s/^(arm|thumb)v[0-9][a-z]*-/arm-/; s/^riscv(32|64)[a-z]*-/riscv\1-/; s/^i[56]86-/i686-/')
endif
endif
ifneq ($(CROSS_COMPILE),)
# What make predefines is not what somebody asked for.
ifeq ($(filter-out default undefined,$(origin CC)),)
CC := $(CROSS_COMPILE)gcc
endif
ifeq ($(filter-out default undefined,$(origin LD)),)
LD := $(CROSS_COMPILE)ld
endif
ifeq ($(filter-out default undefined,$(origin AR)),)
AR := $(CROSS_COMPILE)ar
endif
ifneq ($(TARGET),)
# For cargo and for the C and assembly parts of ring; a linker that is set already stays.
export CARGO_TARGET_$(shell echo $(TARGET) | tr a-z- A-Z_)_LINKER ?= $(CC)
export CC_$(subst -,_,$(TARGET)) ?= $(CC)
export AR_$(subst -,_,$(TARGET)) ?= $(AR)
endif
endif
NM      ?= $(CROSS_COMPILE)nm
OBJCOPY ?= $(CROSS_COMPILE)objcopy
STRIP   ?= $(CROSS_COMPILE)strip

SOURCES := $(shell find src capi include -type f) Cargo.toml Cargo.lock build.rs
HEADERS := $(wildcard include/emnify.h include/emnify.hpp)
SHARED_OBJECT := libemnify.so.$(VERSION)
DOCS := README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE
EXAMPLES := $(wildcard examples-c/*.c examples-c/*.cpp)
TEMPLATES := emnify.pc.in packaging/emnifyConfig.cmake.in packaging/emnifyConfigVersion.cmake.in
BUILT := $(BUILD)/libemnify.a $(BUILD)/third-party-licences.txt

.PHONY: all demo check check-all check-long install install-strip uninstall deb stage header simulator fleet bench clean

all: $(BUILT)

# The library names the sources of its crates where it panics, but not the folders of whoever built it:
# the same sources give the same bytes anywhere. `make ANYWHERE=` leaves it out, as for a cargo whose
# configuration has build.rustflags as one text, with which a list does not go. As a setting, not as RUSTFLAGS, which would take the
# place of flags that somebody has set for a target.
comma := ,
CARGO_HOME_DIR := $(or $(CARGO_HOME),$(HOME)/.cargo)
ANYWHERE ?= --config 'build.rustflags=["--remap-path-prefix=$(CARGO_HOME_DIR)=cargo"$(comma)"--remap-path-prefix=$(CURDIR)=."]'

# Builds the library, and copies it from where cargo says that it is: that folder is cargo's own and
# the next build of anything changes it. Which libraries a static link needs besides is the
# compiler's to say, and it says it when it builds the static one; the C library and the one that
# unwinds are left to the compiler driver, which alone knows of -static and -static-libgcc.
$(BUILD)/compiled: $(SOURCES) Makefile
	@mkdir -p $(BUILD)
	$(CARGO) rustc $(CARGO_FLAGS) $(ANYWHERE) $(TARGET:%=--target %) --release \
	  --package emnify-capi --lib \
	  --message-format json-render-diagnostics -- --print native-static-libs \
	  2>&1 >$(BUILD)/cargo.json | tee $(BUILD)/cargo.log
	@grep -q '"reason":"build-finished","success":true' $(BUILD)/cargo.json && \
	  grep -q '^note: native-static-libs:' $(BUILD)/cargo.log || \
	  { echo "make: the library was not built; see above" >&2; exit 1; }
	@for kind in so a; do \
	  built=$$(sed -n "s|.*\"\([^\"]*/libemnify\.$$kind\)\".*|\1|p" $(BUILD)/cargo.json | tail -n 1); \
	  if [ -n "$$built" ]; then cp "$$built" $(BUILD)/whole.$$kind; else rm -f $(BUILD)/whole.$$kind; fi; \
	done
	@$(RUSTC) $(TARGET:%=--target %) --print cfg \
	  | sed -n 's/^target_pointer_width="\(.*\)"/\1/p' > $(BUILD)/pointer-width
	@sed -n 's/^note: native-static-libs: //p' $(BUILD)/cargo.log | tail -n 1 | tr ' ' '\n' \
	  | awk '$$0 != "-lc" && $$0 != "-lgcc_s" && !seen[$$0]++' | tr '\n' ' ' | sed 's/ $$//' > $(BUILD)/native-static-libs
	@touch $@

$(BUILD)/libemnify.a: $(BUILD)/compiled packaging/localise.sh
	@LD="$(LD)" AR="$(AR)" NM="$(NM)" OBJCOPY="$(OBJCOPY)" \
	  sh packaging/localise.sh $(BUILD)/whole.a $@ emnify_

$(BUILD)/third-party-licences.txt: packaging/licences.sh Cargo.toml Cargo.lock capi/Cargo.toml
	@mkdir -p $(BUILD)
	@CARGO="$(CARGO)" sh packaging/licences.sh $(CARGO_FLAGS) $(TARGET:%=--target %) > $@.new
	@mv $@.new $@

# Nothing is built or written to below here but at the destination: `sudo make install` needs no Rust.
CMAKEDIR := $(LIBDIR)/cmake/emnify
empty :=
space := $(empty) $(empty)
# From CMAKEDIR back to PREFIX, for a package that works wherever it is moved.
UP := $(subst $(space),/,$(patsubst %,..,$(subst /, ,$(patsubst $(PREFIX)/%,%,$(LIBDIR))) cmake emnify))
# Folders below the prefix are given by it, in a variable of this name.
fill = sed \
  -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@UP@|$(UP)|g' \
  -e 's|@LIBDIR@|$(patsubst $(PREFIX)/%,$${$(1)}/%,$(LIBDIR))|g' \
  -e 's|@INCLUDEDIR@|$(patsubst $(PREFIX)/%,$${$(1)}/%,$(INCLUDEDIR))|g' \
  -e 's|@VERSION@|$(VERSION)|g' -e 's|@SOVERSION@|$(SOVERSION)|g' \
  -e "s|@POINTER_WIDTH@|$$(cat $(BUILD)/pointer-width)|g" \
  -e "s|@LIBS_PRIVATE@|$$(cat $(BUILD)/native-static-libs)|g" \
  -e "s|@LIBS_PRIVATE_LIST@|$$(tr ' ' ';' < $(BUILD)/native-static-libs)|g"

install: $(BUILT)
	$(INSTALL) -d $(addprefix $(DESTDIR),$(INCLUDEDIR) $(LIBDIR)/pkgconfig $(CMAKEDIR) $(DOCDIR)/examples)
	$(INSTALL) -m 644 $(HEADERS) $(DESTDIR)$(INCLUDEDIR)
ifneq ($(SHARED),no)
	@test -e $(BUILD)/whole.so || \
	  { echo "make: rustc makes no shared library for this target; SHARED=no installs the rest" >&2; exit 1; }
	$(INSTALL) -m 755 $(BUILD)/whole.so $(DESTDIR)$(LIBDIR)/$(SHARED_OBJECT)
	ln -sf $(SHARED_OBJECT) $(DESTDIR)$(LIBDIR)/libemnify.so.$(SOVERSION)
	ln -sf libemnify.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libemnify.so
endif
ifneq ($(STATIC),no)
	$(INSTALL) -m 644 $(BUILD)/libemnify.a $(DESTDIR)$(LIBDIR)
endif
	@$(call fill,prefix) emnify.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/emnify.pc
	@$(call fill,_emnify_prefix) packaging/emnifyConfig.cmake.in > $(DESTDIR)$(CMAKEDIR)/emnifyConfig.cmake
	@$(call fill,_emnify_prefix) packaging/emnifyConfigVersion.cmake.in > $(DESTDIR)$(CMAKEDIR)/emnifyConfigVersion.cmake
	chmod 644 $(DESTDIR)$(LIBDIR)/pkgconfig/emnify.pc $(DESTDIR)$(CMAKEDIR)/*.cmake
	$(INSTALL) -m 644 $(DOCS) $(BUILD)/third-party-licences.txt $(DESTDIR)$(DOCDIR)
	$(INSTALL) -m 644 $(EXAMPLES) $(DESTDIR)$(DOCDIR)/examples

install-strip: install
ifneq ($(SHARED),no)
	$(STRIP) --strip-unneeded $(DESTDIR)$(LIBDIR)/$(SHARED_OBJECT)
endif
ifneq ($(STATIC),no)
	$(STRIP) --strip-unneeded $(DESTDIR)$(LIBDIR)/libemnify.a
endif

# What install made, file by file: a folder that others use as well stays.
uninstall:
	rm -f $(addprefix $(DESTDIR)$(INCLUDEDIR)/,emnify.h emnify.hpp) \
	  $(addprefix $(DESTDIR)$(LIBDIR)/,$(SHARED_OBJECT) libemnify.so.$(SOVERSION) libemnify.so libemnify.a \
	    pkgconfig/emnify.pc) \
	  $(addprefix $(DESTDIR)$(CMAKEDIR)/,emnifyConfig.cmake emnifyConfigVersion.cmake) \
	  $(addprefix $(DESTDIR)$(DOCDIR)/,$(DOCS) third-party-licences.txt $(EXAMPLES:examples-c/%=examples/%))
	@rmdir $(addprefix $(DESTDIR),$(DOCDIR)/examples $(DOCDIR) $(CMAKEDIR) $(LIBDIR)/cmake \
	  $(LIBDIR)/pkgconfig) 2>/dev/null || true

# The names that Debian gives; another architecture's follow from TARGET's compiler.
DEB_MULTIARCH ?= $(or $(shell $(CC) -print-multiarch 2>/dev/null),$(shell $(CC) -dumpmachine))
DEB_BUILD := $(BUILD)/deb
deb: $(BUILT)
	rm -rf $(DEB_BUILD)
	@$(MAKE) --no-print-directory install DESTDIR=$(abspath $(DEB_BUILD))/tree PREFIX=/usr \
	  LIBDIR=/usr/lib/$(DEB_MULTIARCH) INCLUDEDIR=/usr/include DOCDIR=/usr/share/doc/libemnify-dev \
	  SHARED=yes STATIC=yes > $(BUILD)/deb.log
	@STRIP="$(STRIP)" sh packaging/deb.sh $(DEB_BUILD) $(VERSION) $(SOVERSION) $(DEB_MULTIARCH)

$(STAGE_DONE): $(BUILT) $(TEMPLATES) $(HEADERS) Makefile
	@$(MAKE) --no-print-directory install DESTDIR= PREFIX=$(STAGE) LIBDIR=$(STAGE)/lib \
	  INCLUDEDIR=$(STAGE)/include DOCDIR=$(STAGE)/share/doc/emnify SHARED=yes STATIC=yes > $(BUILD)/install.log
	@touch $@

# Where the tests find the library as a user would.
stage: $(STAGE_DONE)

simulator:
	$(CARGO) build $(CARGO_FLAGS) --quiet --package emnify-simulator

demo: stage simulator
	@CC="$(CC)" PKG_CONFIG="$(PKG_CONFIG)" STAGE="$(STAGE)" BUILD="$(BUILD)" \
	  SIMULATOR="$(TARGET_DIR)/debug/emnify-simulator" sh examples-c/demo.sh

# Fails where the fleet does not keep what the token policy promises. Measures nothing: neither the
# profile nor a busy machine changes a number.
fleet:
	$(CARGO) test $(CARGO_FLAGS) --quiet --features simulation --bench fleet

bench: stage simulator
	$(CARGO) bench $(CARGO_FLAGS) --features capi,simulation --bench token --bench fleet
	@CC="$(CC)" PKG_CONFIG="$(PKG_CONFIG)" STAGE="$(STAGE)" BUILD="$(BUILD)" \
	  SIMULATOR="$(TARGET_DIR)/debug/emnify-simulator" sh benches/c/hot.sh

header:
	$(CARGO) build $(CARGO_FLAGS) --quiet --features headergen --message-format=json \
	  | sed -n 's/.*"out_dir":"\([^"]*emnify-[0-9a-f]*\/out\)".*/\1/p' | tail -n 1 \
	  | xargs -I{} cp {}/emnify.h include/emnify.h

# The features are those of the library and its tests together, so that all is compiled once.
check: stage
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(CARGO_FLAGS) --workspace --all-targets --all-features -- -D warnings
	@# The library alone, as Rust programs choose it.
	$(CARGO) clippy $(CARGO_FLAGS) --package emnify --lib --no-default-features -- -D warnings
	$(CARGO) clippy $(CARGO_FLAGS) --package emnify --lib --no-default-features --features rustls \
	  -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc $(CARGO_FLAGS) --quiet --no-deps --all-features \
	  --package emnify --package emnify-simulator
	EMNIFY_STAGE=$(STAGE) $(CARGO) test $(CARGO_FLAGS) --workspace --all-features

HOST = $(shell $(RUSTC) -vV | sed -n 's/^host: //p')
# Flags for all crates mean a build of its own for all of them.
ELSEWHERE = CARGO_TARGET_DIR=$(TARGET_DIR)
check-all: check check-long
check-long: fleet
	RUSTFLAGS="--cfg emnify_shuttle" $(ELSEWHERE)/shuttle $(CARGO) test $(CARGO_FLAGS) \
	  --package emnify --lib --no-default-features cache::tests::interleavings
	@# A switch of the compiler that is not stable yet, hence RUSTC_BOOTSTRAP.
	RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address $(ELSEWHERE)/asan $(CARGO) test $(CARGO_FLAGS) \
	  --target $(HOST) --package emnify --features capi --lib -- ffi transport
	@$(NM) $(TARGET_DIR)/asan/$(HOST)/debug/deps/emnify-* 2>/dev/null | grep -q __asan_report || \
	  { echo "make: the sanitizer is not in the tests" >&2; exit 1; }

clean:
	rm -rf $(BUILD)
	$(CARGO) clean
