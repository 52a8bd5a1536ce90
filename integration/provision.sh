#!/bin/sh
# What the guest of the integration tests holds: its packages and its settings, said once.
#
#   provision.sh packages     print the list of packages, one a line
#   provision.sh image ROOT   make the system below ROOT what `cargo vm` boots
#   provision.sh              packages and settings for the running system (what the Vagrantfile does)
#
# A change here gives the image of `cargo vm` a new name, so it is made anew.
set -eu

packages() {
    # init: systemd and what makes user sessions with delegated cgroups; user: the account for tests without root
    echo systemd systemd-sysv dbus dbus-user-session libpam-systemd udev passwd
    # a system to look around in
    echo kmod procps util-linux iproute2 e2fsprogs fdisk dmsetup attr libcap2-bin strace
    # rivals, to compare with
    echo bubblewrap crun
    # loads
    echo stress-ng fio
    # real programs, as tests run them in cells. No Go and no Java: each is 300 to 450 MB more, and needs no call that
    # node or rustc do not need.
    echo bash gcc g++ libc6-dev make python3 nodejs git rustc cargo xz-utils
}

# Takes orders from the host, late in the boot, as any service: nothing is delegated to it. Nor is it to be limited by
# systemd's usual number of tasks.
agent_unit() {
    cat <<'UNIT'
[Unit]
Description=takes orders from cargo vm
After=basic.target multi-user.target

[Service]
ExecStart=/ironcell/bin/agent serve
TasksMax=infinity
UNIT
}

# Settings of any guest; ROOT is empty for the running system.
settings() {
    root=$1
    systemd="$root/etc/systemd/system"
    mkdir -p "$root/srv/work" "$root/scratch" "$systemd"
    chmod 755 "$root/srv/work"

    if ! grep -q '^tester:' "$root/etc/passwd"; then
        # 1000 in our image; Vagrant's boxes give it to the user vagrant
        uid=$(grep -q '^[^:]*:[^:]*:1000:' "$root/etc/passwd" || echo --uid=1000)
        chroot "$root/" useradd $uid --create-home --shell /bin/bash tester
    fi

    # a user's own systemd may hand out every controller that the tests ask for
    mkdir -p "$systemd/user@.service.d"
    printf '[Service]\nDelegate=cpu cpuset io memory pids\n' > "$systemd/user@.service.d/delegate.conf"
}

# Settings of the disposable image only: it boots often, so nothing runs at boot that no test needs.
image() {
    root=$1
    systemd="$root/etc/systemd/system"
    mkdir -p "$root/ironcell"
    echo ironcell > "$root/etc/hostname"
    printf '127.0.0.1 localhost ironcell\n::1 localhost\n' > "$root/etc/hosts"
    printf 'LANG=C.UTF-8\n' > "$root/etc/default/locale"
    # an empty machine-id means a first boot, which sets up the whole system anew each time
    echo 1f0c0c0a5e1146c0b0e5c311f0c0c0a5 > "$root/etc/machine-id"
    touch "$root/etc/.updated" "$root/var/.updated"
    agent_unit > "$systemd/ironcell-agent.service"
    mkdir -p "$systemd/graphical.target.wants"
    ln -sf /etc/systemd/system/ironcell-agent.service "$systemd/graphical.target.wants/"
    ln -sf /lib/systemd/system/graphical.target "$systemd/default.target"
    cp "$root/usr/share/systemd/tmp.mount" "$systemd/tmp.mount"
    mkdir -p "$systemd/local-fs.target.wants"
    ln -sf ../tmp.mount "$systemd/local-fs.target.wants/tmp.mount"
    for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
        fstrim.timer getty@tty1.service serial-getty@ttyS0.service systemd-networkd-wait-online.service \
        systemd-pstore.service systemd-timesyncd.service systemd-udev-trigger.service; do
        ln -sf /dev/null "$systemd/$unit"
    done
    rm -rf "$root/usr/share/doc" "$root/usr/share/man" "$root/usr/share/info" "$root/usr/share/locale" \
        "$root/var/cache/apt" "$root/var/lib/apt/lists"
}

install() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get -o DPkg::Lock::Timeout=300 update
    # shellcheck disable=SC2046 # one word, one package
    apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $(packages)
}

case "${1:-}" in
packages) packages | tr ' ' '\n' ;;
image)
    settings "${2%/}"
    image "${2%/}"
    ;;
"")
    install
    settings ""
    ;;
*)
    echo "provision.sh: unknown verb '$1'; there are 'packages' and 'image ROOT'" >&2
    exit 2
    ;;
esac
