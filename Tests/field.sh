#!/usr/bin/env bash
# What people have: odd pictures, tables, folders, weights and machines, through the command line. Prints a line for each
# check, passed or FAILED, and their sums; ends with 1 where one failed.
#
#   Tests/field.sh [INPUTS] [TRAINER]     default: only what it makes itself; the trainer of .build/debug
#
# INPUTS is a folder with folders of people's inputs: corner, pen, tight (pictures named …_DIGIT.png), pictures, csv, weights.
set -uo pipefail
cd "$(dirname "$0")/.."
inputs=${1:+$(readlink -f "$1")}
trainer=$(readlink -f "${2:-$(swift build --show-bin-path)/trainer}")
examples=$PWD/docs/examples
config=$PWD/config/default.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export NUMERAL_CACHE_DIR=$work/cache NO_COLOR=1
cd "$work"
passed=0 failed=0

# Says whether the command after NAME succeeds.
check() {
    local name=$1
    shift
    if "$@" >/dev/null 2>&1; then passed=$((passed + 1)) result="passed"; else failed=$((failed + 1)) result="FAILED"; fi
    echo "$result  $name"
}
# Runs the trainer with the arguments; $status is its exit code, out its standard output, err its errors.
run() {
    status=0
    "$trainer" "$@" >out 2>err </dev/null || status=$?
}
ends() { [ "$status" -eq "$1" ]; }
says() { grep -qF -- "$1" err out; }
# The files are there and none has a line like the pattern: grep's exit code is 1, neither 0 nor 2.
lacks() {
    local found=0
    grep -qE -- "$@" || found=$?
    [ "$found" -eq 1 ]
}
refused() { ends 2 && says "$1" && [ ! -e made ]; }

# MARK: - Making inputs

# A grey picture: pgm WIDTH HEIGHT CONDITION, dark where awk's CONDITION on x and y holds.
pgm() {
    awk -v w="$1" -v h="$2" "BEGIN { printf \"P2 %d %d 255\n\", w, h
        for (y = 0; y < h; y++) { for (x = 0; x < w; x++) printf \"%d \", ($3) ? 0 : 255; print \"\" } }"
}
# Bars and boxes of many places and widths: pictures FOLDER COUNT, in bar and box.
pictures() {
    mkdir -p "$1/bar" "$1/box"
    for index in $(seq 1 "$2"); do
        pgm 40 40 "x >= 10 + $index % 11 && x < 14 + $index % 11 + $index % 3 && y > 5 && y < 35" >"$1/bar/$index.pgm"
        pgm 40 40 "x > 4 && x < 20 + $index % 16 && y > 5 && y < 35 && !(x > 8 && x < 16 + $index % 16 && y > 9 && y < 31)" \
            >"$1/box/$index.pgm"
    done
}
bytes() { printf "$(printf '\\x%02x' "$@")"; }
short() { run --config "$config" --set training.epochs=1 --quiet --output runs "$@"; }
newest() { ls -td runs/*/ | head -n 1; }

# MARK: - 1 to 3, 4 to 7: pictures that were handed in

# How many pictures of the folder are read as their names say; all but one must be.
named() {
    run predict --csv "$inputs/$1"
    awk -F, 'NR > 1 { name = $1; sub(/\.[a-z]+$/, "", name); sub(/.*_/, "", name); all++; right += name == $8 }
        END { exit !(all > 0 && right >= all - 1) }' out
}
if [ -n "$inputs" ]; then
    check "1 small digits in a corner" named corner
    check "2 thin pens" named pen
    check "3 tight crops" named tight
    digits() { # the digit of each picture in order
        run predict --csv "$inputs/pictures"
        ends 0 && [ "$(awk -F, 'NR > 1 { printf "%s", $8 }' out)" = "$1" ]
    }
    check "4–7 odd picture files, by name: 5 5 7 7 7 7 7 7 5 5 3" digits 55777777553
    check "5 warnings are notes" [ "$(grep -c '^Note' err)" -eq 5 ]
fi

# Its own small digit in the corner of a black 28×28 picture: a seven.
pgm 28 28 "!((y >= 2 && y < 4 && x >= 2 && x < 10) || (y >= 4 && y < 14 && x >= 9 - (y - 4) / 2 && x < 11 - (y - 4) / 2))" >corner.pgm
run predict --csv corner.pgm
check "1 a seven in a corner" [ "$(awk -F, 'NR == 2 { print $8 }' out)" = 7 ]
run predict --csv --raw corner.pgm
check "1 --raw takes it as it is" ends 0
for pen in 2 3 4 16; do
    pgm 400 400 "(y >= 60 && y < 60 + $pen && x >= 100 && x < 300) || (y >= 60 && y < 340 && x >= 300 - (y - 60) / 2 - $pen && x < 300 - (y - 60) / 2)" >pen.pgm
    run predict --csv pen.pgm
    check "2 a seven with a pen of $pen pixels" [ "$(awk -F, 'NR == 2 { print $8 }' out)" = 7 ]
done
for polarity in "" "!"; do
    pgm 20 28 "$polarity((y < 4) || (x >= 19 - (y - 4) / 2 - 4 && x < 19 - (y - 4) / 2))" >tight.pgm
    run predict --csv tight.pgm
    check "3 a seven cut at its ink ${polarity:+light on dark}" [ "$(awk -F, 'NR == 2 { print $8 }' out)" = 7 ]
done
{ echo "P1 28 28"; sed 1d corner.pgm | sed 's/255/1/g'; } >bits.pbm
run predict --csv bits.pbm
check "7 PBM" [ "$(awk -F, 'NR == 2 { print $8 }' out)" = 7 ]
{ bytes 0x49 0x49 0x2A 0; head -c 100 /dev/zero; } >scan.tiff
run predict scan.tiff
check "7 TIFF names a conversion" refused "TIFF"

# MARK: - 8: folders of pictures

mkdir -p many/a many/b
cp "$examples/three.png" many/10.png
cp "$examples/seven.jpg" many/9.jpg
cp "$examples/three.png" many/a/x.png
cp "$examples/seven.jpg" many/b/x.jpg
run predict --csv many
check "8 a folder is read in order" [ "$(awk -F, 'NR > 1 { printf "%s", $8 }' out)" = 73 ]
run predict --explain explained many/a/x.png many/b/x.jpg
check "8 two explanations have two names" [ "$(ls explained 2>/dev/null | wc -l)" -ge 2 ]

# MARK: - 9: tables

rows() { # FILE IMAGES, further options: converted, so many training images
    local file=$1 images=$2
    shift 2
    rm -rf made
    run datasets convert "$file" made --test-fraction 0 "$@" && ends 0 &&
        [ $((0x$(od -An -tx1 -j4 -N4 made/train-images-idx3-ubyte | tr -d ' '))) -eq "$images" ]
    local result=$?
    rm -rf made
    return $result
}
declined() {
    rm -rf made
    run datasets convert "$1" made
    refused "$2"
}
if [ -n "$inputs" ]; then
    csv=$inputs/csv
    for name in comment first_row_float_label floats int_header_8x8 kaggle_train label_last_nohead_paper label_last_target; do
        images=$(grep -vcE '^#|^label|^pixel|^0,1,2,3,' "$csv/$name.csv")
        check "9 $name.csv: $images rows" rows "$csv/$name.csv" "$images"
    done
    check "9 an empty label is its row's fault" declined "$csv/first_label_missing.csv" ":1"
    check "9 a table without labels is no training set" declined "$csv/kaggle_test.csv" "label"
    run predict --csv "$csv/kaggle_test.csv" --header ImageId,Label
    check "9 but is predicted, as a submission" [ "$(head -n 1 out | tr -d '\r')" = "ImageId,Label" ]
fi
table() { # SEPARATOR, then whether the label is last
    awk -v s="$1" -v last="$2" 'BEGIN { for (row = 0; row < 12; row++) { line = ""
        for (i = 0; i < 64; i++) line = line (i ? s : "") ((i * 7 + row * 31) % 256)
        print last ? line s row % 3 : row % 3 s line } }'
}
for separator in , ";" $'\t'; do
    table "$separator" "" >table.csv
    check "9 separator '$separator'" rows table.csv 12
    table "$separator" 1 >table.csv
    check "9 label last, separator '$separator'" rows table.csv 12
done
table , "" | gzip >table.csv.gz
check "9 .csv.gz" rows table.csv.gz 12
{ echo "y,$(seq -s , 1 64)"; table , ""; } >table.csv
check "9 --label by name" rows table.csv 12 --label y
check "9 --label by number" rows table.csv 12 --label 1
run datasets convert table.csv made --label nothing
check "9 an unknown --label is refused" ends 2
awk 'BEGIN { for (row = 0; row < 12; row++) { line = row % 3; for (i = 0; i < 64; i++) line = line "," (i * 7) % 256; print line "," row % 2 } }' >two.csv
check "9 two columns that could be labels are asked about" declined two.csv "--label"

# MARK: - 10: the folder that was named

pictures shapes 12
"$trainer" datasets convert shapes idx --prepare --quiet >/dev/null 2>&1
rm -f idx/classes.txt
place() { # a folder of IDX files named by the pattern: place FOLDER SEPARATOR SUFFIX
    mkdir -p "$1"
    for part in train t10k; do
        cp idx/$part-images-idx3-ubyte "$1/$part-images$2idx3$2ubyte$3"
        cp idx/$part-labels-idx1-ubyte "$1/$part-labels$2idx1$2ubyte$3"
    done
}
place dashes - ""
mkdir -p dots vision/MNIST/raw each upper
for file in idx/*ubyte; do
    name=$(basename "$file")
    cp "$file" "dots/${name/-idx/.idx}"
    cp "$file" "vision/MNIST/raw/$name"
    cp "$file" "upper/${name^^}"
    mkdir -p "each/${name/-idx/.idx}"
    cp "$file" "each/${name/-idx/.idx}/${name}"
done
mkdir packed && cp dots/* packed && gzip packed/*
for folder in dashes dots vision each upper packed; do
    short --data $folder
    # They are no published set: it is found, and refused for what it holds.
    check "10 --data $folder is found" says "as published"
done
mkdir nothing && touch nothing/train.txt
short --data nothing
check "10 a folder without data is refused, and says what lies there" bash -c "grep -q train.txt err && [ $status -eq 2 ]"
short --data none
check "10 a folder that is not there" ends 2

# MARK: - 11 and 14: pictures train as they are

mkdir -p split/Train split/valid split/Testing
cp -r shapes/* split/Train
pictures split/valid 3
pictures split/Testing 3
touch split/Train/bar/Thumbs.db split/.DS_Store split/desktop.ini
mkdir -p split/__MACOSX split/Train/.ipynb_checkpoints split/Train/empty
short --data split
check "11 splits of any name and case" ends 0
check "11 what was left behind is noted" says "Thumbs.db"
check "11 an empty class is named" says "no picture in empty"
short --data shapes
check "14 a folder of pictures trains" ends 0
check "14 the report has the names" grep -q ">box<" "$(newest)report.html"
check "14 the predictions have the names" bash -c "head -n 1 '$(newest)predictions.csv' | grep -q labelName"
check "14 so have the metrics" grep -q '"bar"' "$(newest)metrics.json"
run evaluate --model "$(newest)" --data shapes --quiet --output again
check "14 its model is not tested on what it has learned" ends 2
run evaluate --model "$(newest)" --data shapes --quiet --output again --allow-learned
check "14 its model evaluates them" ends 0
mkdir -p 'odd/=1+1' $'odd/\e[31mred' 'odd/<script>alert(1)' 'odd/a"b'
for folder in odd/*/; do cp shapes/bar/[1-6].pgm "$folder"; done
short --data odd
check "14 names of all kinds train" ends 0
model=$(newest)
check "14 harmless in HTML" lacks '<script>alert[(]1[)]' "$(newest)report.html"
check "14 harmless on a terminal" lacks $'\e' out err
check "14 harmless in a spreadsheet" lacks '(^|,)"?=' "$(newest)predictions.csv"
run evaluate --model "$model" --data odd --quiet --output again --allow-learned
check "14 and evaluate" ends 0

# MARK: - 12 and 13: IDX by path, labels

wide() { # labels of the half $1, as big-endian 32-bit numbers
    bytes 0 0 0x0C 1
    tail -c +5 "idx/$1-labels-idx1-ubyte" | head -c 4
    tail -c +9 "idx/$1-labels-idx1-ubyte" | od -An -v -tu1 -w1 | while read -r label; do bytes 0 0 0 "$label"; done
}
sed '/"dataset"/d' "$config" >files.json
files() { # NAME=FILE …, the rest from idx
    local train=idx/train-images-idx3-ubyte labels=idx/train-labels-idx1-ubyte
    local test=idx/t10k-images-idx3-ubyte tests=idx/t10k-labels-idx1-ubyte extra=
    for argument in "$@"; do
        case $argument in
            images=*) train=${argument#*=} ;; labels=*) labels=${argument#*=} ;;
            tests=*) tests=${argument#*=} ;; extra=*) extra=,${argument#*=} ;;
        esac
    done
    run --config files.json --set training.epochs=1 --quiet --output runs --set "data.files={\"trainImages\":\"$train\",\"trainLabels\":\"$labels\",\"testImages\":\"$test\",\"testLabels\":\"$tests\"$extra}"
}
wide train >int32
wide t10k >int32-test
files labels=int32 tests=int32-test
check "12 labels of 32 bits" ends 0
{ bytes 0 0 8 2; tail -c +5 idx/train-images-idx3-ubyte | head -c 4; bytes 0 0 3 0x10; tail -c +17 idx/train-images-idx3-ubyte; } >flat
files images=flat
check "12 images [N,784]" ends 0
{ bytes 0 0 8 4; tail -c +5 idx/train-images-idx3-ubyte | head -c 12; bytes 0 0 0 1; tail -c +17 idx/train-images-idx3-ubyte; } >deep
files images=deep
check "12 images [N,H,W,1]" ends 0
files extra='"transposed":true'
check "12 transposed images" ends 0
{ head -c 8 idx/train-labels-idx1-ubyte; tail -c +9 idx/train-labels-idx1-ubyte | tr '\0\1' '\1\2'; } >from-one
{ head -c 8 idx/t10k-labels-idx1-ubyte; tail -c +9 idx/t10k-labels-idx1-ubyte | tr '\0\1' '\1\2'; } >from-one-test
files labels=from-one tests=from-one-test
check "13 labels from 1: the absent class is said" says "without images (0)"
check "13 … and in metrics.json" grep -q 'without images (0)' "$(newest)metrics.json"
check "13 … and in the report" grep -q 'without images (0)' "$(newest)report.html"

# MARK: - 15: weights

if [ -n "$inputs" ]; then
    for name in named named_compiled named_ddp; do
        run import --config "$inputs/weights/net123.json" "$inputs/weights/$name.safetensors" "$name"
        check "15 $name: one is one" grep -qE '(^|\.)one.weight .*→ *one/kernel' err
        check "15 $name: two is two" grep -qE '(^|\.)two.weight .*→ *two/kernel' err
    done
    run import --config "$inputs/weights/net.json" "$inputs/weights/named.safetensors" made
    check "15 names that tell nothing are asked for" refused "--names"
    run import --config "$inputs/weights/net123.json" "$inputs/weights/one_two_three.npz" npz
    check "15 an NPZ keeps its order" grep -qE 'conv_two.weight .*→ *two/kernel' err
fi
printf 'PK\3\4' | cat - /dev/zero | head -c 200 >weights.pt
bytes 0x89 0x48 0x44 0x46 0x0D 0x0A 0x1A 0x0A >weights.h5
bytes 0x93 0x4E 0x55 0x4D 0x50 0x59 1 0 >weights.npy
bytes 0x80 2 0x7D 0x2E >weights.pkl
bytes 8 7 0x12 4 >weights.onnx
for kind in pt h5 npy pkl onnx; do
    run import --config "$config" weights.$kind made
    check "15 .$kind is called by its kind" bash -c "[ $status -eq 2 ] && ! [ -e made ] && grep -qiE 'pytorch|hdf5|keras|array|pickle|onnx' err"
done

# MARK: - 16 and 17: machines

full_disk() {
    status=0
    "$trainer" "$@" >/dev/full 2>err || status=$?
    check "16 a full disk: $1" bash -c "[ $status -eq 1 ] && [ -s err ]"
}
full_disk predict "$examples/three.png"
full_disk inspect --config "$config"
full_disk datasets list
full_disk --help
full_disk evaluate --help
full_disk gemm --quick
full_disk evaluate --model "$model" --data odd --output full --allow-learned
full_disk compare "$model" "$model"
full_disk doctor
full_disk predict --json "$examples/three.png"
status=0
"$trainer" --help | head -n 1 >/dev/null || status=$?
check "16 head may stop reading" [ "$status" -eq 0 ]
for memory in 250000 400000 600000; do
    status=0
    (ulimit -v $memory && timeout 30 "$trainer" predict "$examples/three.png" >out 2>err) || status=$?
    check "17 $memory KiB end with a message or an answer" bash -c "[ $status -eq 0 ] || { [ $status -ne 124 ] && [ $status -lt 128 ] && [ -s err ]; }"
done

# MARK: - 18: JSON of other programs

{ printf '\xEF\xBB\xBF'; cat "$config"; } >bom.json
run inspect --config bom.json
check "18 a byte-order mark" ends 0
iconv -f utf-8 -t utf-16 "$config" >utf16.json
run inspect --config utf16.json
check "18 UTF-16 is named" refused "UTF-16"
sed '0,/0\.[0-9]/s/0\.\([0-9]\)/0,\1/' "$config" >comma.json
run inspect --config comma.json
check "18 a decimal comma is named" refused "comma"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
