#!/bin/sh
# Makes the guest's image: root file system, two kernels, and the disks that go with them.
#
#   image.sh OUT MIRRORS   fills the directory OUT; MIRRORS holds sources.list and apt.conf
#
# Runs as root in a mount namespace of its own (`cargo vm` sees to both). The host's apt is not touched: mmdebstrap
# keeps its own state below OUT, with sources that `cargo vm` derived from the host's.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

build() {
    out=$1 mirrors=$2
    root=$out/root
    trap 'rm -rf "$root" "$out/kernel"' EXIT
    rm -rf "$root" "$out/kernel"
    mmdebstrap --mode=root --variant=minbase \
        --include="$("$here/provision.sh" packages | paste -sd,)" \
        --aptopt="$mirrors/apt.conf" --aptopt='Apt::Install-Recommends "false"' \
        --dpkgopt=force-unsafe-io \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
        --customize-hook="'$here/image.sh' kernel '$out' bookworm bare \"\$1\"" \
        --customize-hook="'$here/image.sh' kernel '$out' bookworm-backports next \"\$1\"" \
        --customize-hook="'$here/provision.sh' image \"\$1\"" \
        bookworm "$root" "$mirrors/sources.list"
    # No journal: the guest writes to a snapshot that nobody keeps. The size is an upper bound: the file has holes.
    mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$root" "$out/root.ext4" 3G
    mke2fs -q -t ext4 -m 0 "$out/scratch.ext4" 512M
    truncate -s 128M "$out/swap.img"
    chmod 600 "$out/swap.img"
    mkswap -q "$out/swap.img"
    truncate -s 64M "$out/spare.img"
    chown --reference="$out" "$out"/*
}

# One kernel for the lane: its modules into the root, itself beside the image. Unpacked, not installed: installing would
# bring initramfs-tools, and the guest boots without an initramfs of Debian's.
kernel() {
    out=$1 suite=$2 lane=$3 root=$4
    export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
    # Of bookworm and its security updates the newest; a suite must be named only for backports.
    package=linux-image-cloud-amd64
    [ "$suite" = bookworm ] || package=$package/$suite
    image=$(apt-cache show --no-all-versions "$package" | sed -n 's/^Depends:.*\(linux-image-[^ ,]*\).*/\1/p' | head -n 1)
    if [ -z "$image" ]; then
        echo "no kernel package $package on the mirror; see sources.list" >&2
        exit 1
    fi
    mkdir "$out/kernel"
    (cd "$out/kernel" && apt-get -o APT::Sandbox::User=root download "$image" && dpkg-deb -x ./*.deb unpacked)
    release=$(ls "$out/kernel/unpacked/lib/modules")
    mkdir -p "$root/usr/lib/modules"
    mv "$out/kernel/unpacked/lib/modules/$release" "$root/usr/lib/modules/"
    chroot "$root" depmod "$release"
    mv "$out/kernel/unpacked/boot/vmlinuz-$release" "$out/vmlinuz-$lane"
    echo "$release" >> "$out/kernels"
    rm -rf "$out/kernel"
}

case "$1" in
kernel) shift && kernel "$@" ;;
*) build "$@" ;;
esac
