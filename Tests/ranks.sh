#!/usr/bin/env bash
# Trains on the bundled sample with 1, 2 and 4 processes through MPI: the model must be the same bytes. Then kills a process of
# a run with kill -9: the job must end within 10 seconds and not with 0, and what is left must go on, with another number
# of processes, to the same bytes.
#
#   Tests/ranks.sh [LAUNCHER…]     default: mpirun.openmpi and mpirun.mpich, as far as they are installed
#
# A launcher's name says its library: openmpi, mpich. Builds the trainer with it in .build/LIBRARY.
set -euo pipefail
cd "$(dirname "$0")/.."
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
# Containers may forbid processes to read each other's memory.
export OMPI_MCA_btl_vader_single_copy_mechanism=none
# Within this machine alone.
export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
config=${NUMERAL_TEST_CONFIG:-config/default.json}

launchers=("$@")
if [ ${#launchers[@]} -eq 0 ]; then
    for name in mpirun.openmpi mpirun.mpich; do command -v $name >/dev/null && launchers+=($name); done
fi
[ ${#launchers[@]} -gt 0 ] || { echo "no MPI: apt-get install libopenmpi-dev openmpi-bin"; exit 1; }

runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
train() { # OUTPUT, then a launcher and its options
    local output=$1
    shift
    "$@" "$bin" --config "$config" --set data.source=sample --set training.epochs=4 \
        --set training.checkpoints.everySteps=3 --quiet --output "$runs/$output" >/dev/null
}

# The processes of this build that train in the folder $1, rank 0 first.
ranks_in() {
    for process in $(pgrep -f -- "$1"); do
        [ "$(readlink "/proc/$process/exe" 2>/dev/null)" = "$exe" ] || continue
        rank=$(tr '\0' '\n' <"/proc/$process/environ" 2>/dev/null |
            sed -n 's/^\(OMPI_COMM_WORLD_RANK\|PMI_RANK\)=//p' | head -n 1)
        echo "${rank:-0} $process"
    done | sort -n | cut -d ' ' -f 2
}

for launcher in "${launchers[@]}"; do
    library=${launcher##*.}
    [ "$library" != "$launcher" ] || library=openmpi
    NUMERAL_MPI=$library swift build --scratch-path ".build/$library" --product trainer 2>&1 | tail -n 1
    bin=$(NUMERAL_MPI=$library swift build --scratch-path ".build/$library" --show-bin-path)/trainer
    exe=$(readlink -f "$bin")

    train "$library-alone"
    for ranks in 1 2 4; do
        train "$library-$ranks" "$launcher" -n $ranks
        for file in model.safetensors predictions.csv confusion_matrix.svg; do
            cmp "$runs/$library-alone"/*/$file "$runs/$library-$ranks"/*/$file
        done
    done
    "$launcher" -n 2 "$bin" doctor | grep -E "^(MPI|self-test)"
    echo "$library: 1, 2 and 4 processes wrote the model and the predictions of one without mpirun"

    # Rank 1, then rank 0.
    for victim in 2 1; do
        output="$library-killed-$victim"
        train "$output" "$launcher" -n 2 2>"$runs/$output.log" &
        job=$!
        until [ "$(ranks_in "$runs/$output" | wc -l)" -eq 2 ]; do kill -0 $job; done
        process=$(ranks_in "$runs/$output" | sed -n ${victim}p)
        # Until the second checkpoint: it is under way.
        until [ "$(ls "$runs/$output"/*/checkpoints/*-step-* 2>/dev/null | wc -l)" -ge 2 ]; do
            kill -0 $job 2>/dev/null || { echo "$library: it ended too soon"; exit 1; }
            sleep 0.01
        done
        kill -9 "$process"
        killed=$(date +%s%N)
        status=0
        wait $job || status=$?
        seconds=$(((($(date +%s%N) - killed) / 1000000 + 500) / 1000))
        [ $status -ne 0 ] || { echo "$library: a job with a killed rank ended with 0"; exit 1; }
        [ $seconds -lt 10 ] || { echo "$library: it ended $seconds s after the kill"; exit 1; }
        [ -z "$(ranks_in "$runs/$output")" ] || { echo "$library: processes are left over"; exit 1; }
        run=$(echo "$runs/$output"/*)
        [ ! -e "$run/metrics.json" ] || { echo "$library: it was finished already"; exit 1; }
        # With four processes instead of two, or one.
        if [ $victim -eq 2 ]; then
            "$launcher" -n 4 "$bin" --resume "$run" --quiet >/dev/null
        else
            "$bin" --resume "$run" --quiet >/dev/null
        fi
        for file in model.safetensors predictions.csv; do cmp "$runs/$library-alone"/*/$file "$run/$file"; done
        echo "$library: rank $((victim - 1)) killed, the job ended with $status within $((seconds + 1)) s; resumed, the same bytes"
    done
done
