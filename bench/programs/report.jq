# SPDX-License-Identifier: MIT
# jq: objects and arrays made, grouped, sorted, written as text and read again.
[range(30000) | {id: ., group: "group \(. * 7919 % 1500)", weight: (. * 31 % 1000 / 4), tags: ["t\(. % 5)", "u\(. % 11)"]}]
| [group_by(.group)[] | {group: .[0].group, ids: map(.id), weight: (map(.weight) | add), tags: (map(.tags[]) | unique)}]
| tojson | fromjson
| sort_by(.weight) | {groups: length, last: .[-1].group, text: (map(.tags | join("-")) | join(",") | length),
                      ids: (map(.ids[]) | add), large: (map(select(.weight > 2000)) | length)}
