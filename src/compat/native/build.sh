#!/bin/bash
# Builds artifacts/native/libRRecTorchShim.so against the libtorch of this machine. MSBuild (TorchSharp.csproj) and ./rrec call it;
# it is quick when nothing changed and safe to run from several builds at once.
# libtorch is looked for in $LIBTORCH (a folder with include/ and lib/), in the folders of $CMAKE_PREFIX_PATH (the same, or PyTorch's torch/share/cmake), then
# where Debian's libtorch-dev puts it, then inside python3's torch package.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-$(cd "$here/../../.." && pwd)/artifacts/native}

include= lib=
if [ -n "${LIBTORCH:-}" ]; then
    include=$LIBTORCH/include lib=$LIBTORCH/lib
    [ -e "$lib/libtorch_cpu.so" ] || { echo "LIBTORCH=$LIBTORCH holds no lib/libtorch_cpu.so" >&2; exit 1; }
else
    IFS=:; for folder in ${CMAKE_PREFIX_PATH:-}; do   # find_package's separators are ; and :
        for root in ${folder//;/:}; do
            root=${root%/share/cmake*}
            if [ -z "$lib" ] && [ -e "$root/lib/libtorch_cpu.so" ] && [ -e "$root/include/ATen/ATen.h" ]; then include=$root/include lib=$root/lib; fi
        done
    done; unset IFS
    [ -n "$lib" ] || for folder in "/usr/lib/$(uname -m)-linux-gnu" /usr/lib64 /usr/lib /usr/local/lib; do
        if [ -e "$folder/libtorch_cpu.so" ] && [ -e /usr/include/ATen/ATen.h ]; then include=/usr/include lib=$folder; break; fi
    done
    if [ -z "$lib" ] && package=$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])' 2>/dev/null); then
        include=$package/include lib=$package/lib
    fi
fi
if [ -z "$lib" ]; then
    echo "No libtorch found: install Debian's libtorch-dev (and libopenblas0-pthread), or PyTorch for python3, or set LIBTORCH to an unpacked libtorch." >&2
    exit 1
fi

mkdir -p "$out"
exec 9>"$out/.lock"
flock 9
stamp="$lib $(readlink -f "$lib/libtorch_cpu.so") $(stat -Lc '%s %Y' "$lib/libtorch_cpu.so") $(cat "$here"/*.cpp "$here"/*.h "$here"/CMakeLists.txt | sha256sum)"
if [ -e "$out/libRRecTorchShim.so" ] && [ "$(cat "$out/.stamp" 2>/dev/null)" = "$stamp" ]; then exit 0; fi

echo "Building the libtorch shim against $lib"
rm -rf "$out/build"
cmake -S "$here" -B "$out/build" -DTORCH_INCLUDE="$include" -DTORCH_LIB="$lib" >"$out/build.log" 2>&1 \
    && cmake --build "$out/build" --parallel >>"$out/build.log" 2>&1 \
    || { tail -40 "$out/build.log" >&2; exit 1; }
# Renamed into place: a process that has the old one mapped keeps it.
cp "$out/build/libRRecTorchShim.so" "$out/.new.so" && mv -f "$out/.new.so" "$out/libRRecTorchShim.so"
echo "$stamp" >"$out/.stamp"
