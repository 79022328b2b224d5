#!/bin/bash
# SPDX-License-Identifier: MIT
# git: a repository made from nothing, packed by threads, cloned, indexed, searched, checked.
set -eu
awk 'BEGIN {
    for (c = 1; c <= 60; c++) {
        printf "commit refs/heads/main\nmark :%d\ncommitter A <a@example.org> %d +0000\n", c, 1700000000 + c * 60
        message = "change " c
        printf "data %d\n%s\n", length(message), message
        if (c > 1) printf "from :%d\n", c - 1
        for (f = 1; f <= 12; f++) {
            text = ""
            for (l = 1; l <= 60; l++) text = text "line " l " of file " f " at " ((l * f) % 7 == c % 7 ? c : 0) "\n"
            printf "M 100644 inline dir%d/file%d.txt\ndata %d\n%s\n", f % 4, f, length(text), text
        }
    }
}' >history
git init -q --bare -b main a.git
git -C a.git fast-import --quiet <history
git -C a.git -c pack.threads=4 repack -adfq --depth=20 --window=20
git clone -q --no-local a.git b
cd b
git rev-list --objects --all | sort | sha256sum
git cat-file --batch-all-objects --batch-check | sort | sha256sum
git -c grep.threads=4 grep -c 'at 0$' | sort | sha256sum
git log --stat -p --no-color | sha256sum
git blame -s dir1/file5.txt | tail -n 2
git fsck --full --strict 2>&1
cp ../a.git/objects/pack/*.pack ../again.pack
git index-pack --threads=2 ../again.pack >/dev/null
git verify-pack -v ../again.pack | awk '$2 ~ /^(blob|tree|commit)$/ { print $1, $2 }' | sort | sha256sum
git checkout -q -b side HEAD~20
echo more >>dir1/file1.txt
git -c user.name=A -c user.email=a@example.org commit -qam side --date=2024-01-01T00:00:00Z >/dev/null
git merge-base main side
git diff --stat main side -- dir2 | tail -n 1
