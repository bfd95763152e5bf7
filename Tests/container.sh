#!/usr/bin/env bash
# Tries the steps of Containerfile without a container engine: each stage in a folder of its own, made by debootstrap, with this
# machine's Swift in place of the base image's. Needs root, debootstrap and 8 GB; takes about ten minutes.
#   Tests/container.sh [FOLDER]        FOLDER is removed at the end, unless it is named
set -euo pipefail
cd "$(dirname "$0")/.."
source=$PWD
folder=${1:-$(mktemp -d)}
swift=$(dirname "$(dirname "$(dirname "$(readlink -f "$(command -v swiftc)")")")")
mkdir -p "$folder"

cleanup() {
    for place in "$folder"/*/toolchain "$folder"/*/proc; do
        if mountpoint -q "$place" 2>/dev/null; then umount "$place"; fi
    done
    if [ -z "${1:-}" ]; then rm -rf "$folder"; fi
}
trap 'cleanup "${1:-}"' EXIT

# A Debian of its own, with Swift where this machine has it; what the base images bring beside Debian.
bootstrap() { # ROOT
    debootstrap --variant=minbase --include=ca-certificates,libcurl4,libxml2,tzdata,git,libc6-dev,libstdc++-12-dev,binutils,libsqlite3-0,libncurses6,zlib1g-dev \
        bookworm "$1" >"$1.log" 2>&1 || { tail -n 3 "$1.log" >&2; return 1; }
    cp /etc/resolv.conf "$1/etc/"
    cp /etc/apt/apt.conf.d/* "$1/etc/apt/apt.conf.d/" 2>/dev/null || true
    mkdir -p "$1/toolchain" "$1/proc"
    mount --bind "$swift" "$1/toolchain"
    mount -t proc proc "$1/proc"
}

environment=() root="" place=/ entry=""
declare -A roots
run() { # COMMAND, in the stage, at its place and with its variables
    chroot "$root" /usr/bin/env -i HOME=/root PATH=/toolchain/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        LD_LIBRARY_PATH=/toolchain/usr/lib/swift/linux DEBIAN_FRONTEND=noninteractive "${environment[@]}" \
        sh -c "mkdir -p '$place' && cd '$place' && $1"
}

while read -r instruction rest; do
    [ -n "$instruction" ] || continue
    echo "== $instruction $rest"
    case "$instruction" in
    "#"*) ;;
    FROM)
        name=${rest##* AS }
        [ "$name" != "$rest" ] || name=final
        root=$folder/$name place=/ environment=()
        roots[$name]=$root
        bootstrap "$root"
        ;;
    ARG) environment+=("$rest") ;;
    ENV) ;; # of an ARG, which is a variable of every step here
    WORKDIR) place=$rest ;;
    COPY)
        case "$rest" in
        --from=*)
            read -r from what to <<<"$rest"
            mkdir -p "$(dirname "$root$to")"
            cp -R "${roots[${from#--from=}]}$what" "$root$to"
            ;;
        *) # . .
            mkdir -p "$root$place"
            tar -C "$source" -c --exclude-from="$source/.containerignore" . | tar -C "$root$place" -x
            # Packages are fetched here, where git is set up.
            swift package --package-path "$root$place" resolve
            ;;
        esac
        ;;
    RUN) run "$rest" ;;
    ENTRYPOINT) entry=$(tr -d '[]"' <<<"$rest") ;;
    *)
        echo "Containerfile: this script does not know $instruction" >&2
        exit 1
        ;;
    esac
done < <(grep -v '^#' Containerfile)

# As a person would use the image.
cp docs/examples/three.png "$root/data/"
run "$entry --version"
[ "$(run "$entry predict --csv three.png" | cut -d, -f8 | tail -n 1)" = 3 ]
run "$entry --config config/default.json --set data.source=sample --set training.epochs=1 --output runs --quiet" >/dev/null
run "ls runs/*/model.safetensors"
echo "the image's trainer read a picture and trained on the sample"
