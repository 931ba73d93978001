#!/usr/bin/env bash
# Makes the sound that the demo vocoder learns from: sentences of common words, spoken by espeak-ng's English voices (synthetic speech), 8000 samples a second.
# Usage: models/speech/make-sentences.sh FOLDER [SENTENCES]
set -euo pipefail
folder=${1:?usage: $0 FOLDER [SENTENCES]}
count=${2:-400}

if ! command -v espeak-ng >/dev/null || ! command -v sox >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends espeak-ng sox >/dev/null
fi

whose=(the my our your this that every another)
kind=(old small bright quiet heavy green early simple narrow warm round distant)
thing=(river window teacher garden engine letter farmer picture harbour season doctor village bridge pilot kitchen question)
does=(follows answers carries remembers watches changes finds builds opens passes measures paints)
where=(near behind under beyond before without across after)
when=(today "in the morning" "every winter" "as usual" "for a while" "once again" "before noon" "at last")
voices=(en-us en-gb en-gb-scotland en-gb-x-rp)

# Numbers that are the same on every machine: a linear congruence, its upper bits.
state=1
pick() {
    state=$(((state * 1103515245 + 12345) % 2147483648))
    picked=$(((state >> 16) % $1))
}
word() {
    local -n words=$1
    pick ${#words[@]}
    sentence+="${words[picked]} "
}

mkdir -p "$folder"
for ((i = 0; i < count; i++)); do
    sentence=""
    for list in whose kind thing does whose thing where whose kind thing when; do
        word "$list"
    done
    pick 30
    pitch=$((35 + picked))
    espeak-ng -v "${voices[i % ${#voices[@]}]}" -p "$pitch" -s 160 --stdout "$sentence" |
        sox -q -R -t wav - -b 16 -c 1 -r 8000 "$folder/$(printf %04d "$i").wav" gain -3
done
echo "$count sentences, $(soxi -TD "$folder"/*.wav) seconds"
