#!/bin/sh
# deb.sh FOLDER VERSION SOVERSION MULTIARCH
#
# Makes the packages libemnify<SOVERSION> and libemnify-dev in FOLDER of FOLDER/tree, where `make deb`
# has installed everything. Plain dpkg-deb: no debhelper, no root, and the same tree gives the
# same packages.
#
#   DEBFULLNAME, DEBEMAIL    who answers for the packages, as elsewhere in Debian
#   DEB_REVISION             1 unless set
#   SOURCE_DATE_EPOCH        the time in them; that of the last commit unless set
set -eu

work=$(cd "$1" && pwd)
version=$2
soversion=$3
multiarch=$4

: "${STRIP:=strip}"
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || date +%s)}"
export SOURCE_DATE_EPOCH
maintainer="${DEBFULLNAME:-The developers of emnify / libemnify} <${DEBEMAIL:-libemnify@unofficial.invalid}>"
full_version=$version-${DEB_REVISION:-1}
architecture=$(dpkg-architecture -t "$multiarch" -q DEB_HOST_ARCH 2>/dev/null || dpkg --print-architecture)

shared=libemnify$soversion
shared_folder=$work/$shared
dev=libemnify-dev
dev_folder=$work/$dev
libdir=usr/lib/$multiarch
texts=$work/texts

# Prints a file that is the same whenever it is made.
compressed() {
    gzip -9n
}

# What each package says about its origin, from $texts.
document() {
    folder=$work/$1/usr/share/doc/$1
    mkdir -p "$folder"
    compressed <"$texts/CHANGELOG.md" >"$folder/changelog.gz"
    compressed <"$texts/third-party-licences.txt" >"$folder/third-party-licences.gz"
    compressed <<EOF >"$folder/changelog.Debian.gz"
emnify ($full_version) unstable; urgency=medium

  * Version $version, packaged by its "make deb".

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
EOF
    cat >"$folder/copyright" <<EOF
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: emnify
Comment: The libraries contain code of others. Names, licences and notices are in
 /usr/share/doc/$1/third-party-licences.gz.

Files: *
Copyright: $(sed -n 's/^Copyright (c) //p' "$texts/LICENSE-MIT")
License: Expat or Apache-2.0

License: Apache-2.0
 The text is in /usr/share/common-licenses/Apache-2.0.

License: Expat
$(sed -n '/^Permission is hereby/,$s/^/ /p' "$texts/LICENSE-MIT" | sed 's/^ $/ ./')
EOF
}

# override PACKAGE: what lintian complains of without cause.
override() {
    mkdir -p "$work/$1/usr/share/lintian/overrides"
    cat >"$work/$1/usr/share/lintian/overrides/$1" <<EOF
# Made by a user of the library and not for Debian's archive, which alone wants such a bug to close.
$1: initial-upload-closes-no-bugs *
EOF
}

# pack PACKAGE SECTION DEPENDS: the description comes on the input.
pack() {
    mkdir -p "$work/$1/DEBIAN"
    cat >"$work/$1/DEBIAN/control" <<EOF
Package: $1
Source: emnify
Version: $full_version
Architecture: $architecture
Multi-Arch: same
Section: $2
Priority: optional
Maintainer: $maintainer
Installed-Size: $(du -ks --apparent-size "$work/$1/usr" | cut -f 1)
Depends: $3
$(cat)
EOF
    (cd "$work/$1" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) \
        >"$work/$1/DEBIAN/md5sums"
    find "$work/$1" -type d -exec chmod 755 {} +
    dpkg-deb --root-owner-group -Zxz --build "$work/$1" "$work/${1}_${full_version}_$architecture.deb"
}

mv "$work/tree" "$dev_folder"
mkdir -p "$shared_folder/$libdir" "$shared_folder/DEBIAN" "$texts" "$work/debian"
docs=$dev_folder/usr/share/doc/$dev
for file in CHANGELOG.md third-party-licences.txt LICENSE-MIT LICENSE-APACHE; do
    mv "$docs/$file" "$texts"
done

# The shared library by itself: one of a later SONAME is installed beside it.
object=$shared_folder/$libdir/libemnify.so.$version
mv "$dev_folder/$libdir/libemnify.so.$version" "$dev_folder/$libdir/libemnify.so.$soversion" \
    "$shared_folder/$libdir"
"$STRIP" --strip-unneeded --remove-section=.comment --remove-section=.note "$object"
"$STRIP" --strip-debug --remove-section=.comment --enable-deterministic-archives "$dev_folder/$libdir/libemnify.a"
chmod 644 "$object"
document "$shared"
override "$shared"
echo "libemnify $soversion $shared (>= $version)" >"$shared_folder/DEBIAN/shlibs"
echo "activate-noawait ldconfig" >"$shared_folder/DEBIAN/triggers"

# Which versions of which packages it needs is in Debian's own lists, where those of its architecture
# are on this machine. Elsewhere the C library's version is the newest that a symbol asks for.
printf 'Source: emnify\n\nPackage: %s\nArchitecture: any\n' "$shared" >"$work/debian/control"
depends=$(cd "$work" && DEB_HOST_ARCH=$architecture dpkg-shlibdeps -O "$object" 2>"$work/shlibdeps.log" |
    sed -n 's/^shlibs:Depends=//p') || depends=
if [ -z "$depends" ]; then
    libc=$(LC_ALL=C readelf --version-info --wide "$object" | grep -o 'GLIBC_[0-9.]*' | sort -u -V | tail -n 1)
    depends="libc6${libc:+ (>= ${libc#GLIBC_})}, libgcc-s1"
    echo "deb.sh: without dpkg-shlibdeps or the libraries of $architecture, as it seems: $shared depends on $depends"
fi
pack "$shared" libs "$depends" <<EOF
Description: blocking client for the emnify REST API - shared library
 It signs in to the API of emnify, a provider of cellular connectivity, keeps
 the token, renews it in time and hands it out. Made for gateways that run for
 years with nobody watching. Unofficial: not made or supported by emnify.
 .
 This package has what programs need to run.
EOF

ln -sf "libemnify.so.$soversion" "$dev_folder/$libdir/libemnify.so"
document "$dev"
override "$dev"
pack "$dev" libdevel "$shared (= $full_version)" <<EOF
Description: blocking client for the emnify REST API - development files
 It signs in to the API of emnify, a provider of cellular connectivity, keeps
 the token, renews it in time and hands it out. Made for gateways that run for
 years with nobody watching. Unofficial: not made or supported by emnify.
 .
 This package has the headers, the static library, and what pkg-config, Meson
 and CMake need to find them.
EOF
