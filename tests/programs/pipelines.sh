#!/bin/bash
# SPDX-License-Identifier: MIT
# bash and the usual tools, many short processes at once.
awk 'BEGIN { for (i = 0; i < 60000; i++) printf "%d %s%d\n", i * 7919 % 100003, "name", i % 977 }' >lines
sort -n lines | uniq | head -n 3
cut -d' ' -f2 lines | sort | uniq -c | sort -rn -k1,1 -k2,2 | tail -n 3
sed -E 's/([0-9]+) (name)/\2-\1/' lines | grep -c -E -- '-[0-9]*77[0-9]* ?'
tr 'a-z' 'A-Z' <lines | rev | tac | md5sum
paste lines <(rev lines) | join -j 1 <(sort -k1,1 lines | head -n 500) <(sort -k1,1 lines | tail -n +100) 2>&1 | wc -l
declare -A count
while read -r number name; do
    ((count[$name] += number % 10))
done < <(head -n 6000 lines)
for name in "${!count[@]}"; do echo "$name ${count[$name]}"; done | sort | md5sum
text=
for i in {1..2000}; do text+="$i,"; done
echo "${#text} ${text//1/one}" | md5sum
for i in {1..30}; do echo "$(expr "$i" '*' 2)$( (exit "$i"); echo ":$?")"; done | paste -sd' '
find . -type f | xargs -n 1 wc -c | sort -n | tail -n 1
printf '%s\n' {1..20000} | xargs -P 4 -n 4000 bash -c 'sum=0; for n; do ((sum += n)); done; echo "$sum"' _ | sort -n
tar cf - lines | gzip -9 | gunzip | tar xOf - | cmp - lines && echo same
head -c 3000000 /dev/zero | od -An -c | head -n 1
