# SPDX-License-Identifier: MIT
set confirm off
set pagination off
set debuginfod enabled off
set print address off
set print frame-arguments none
ptype struct node
info line deep
list deep
break deep if level > 10
run
backtrace
frame function main
print list->key
print list->next->name
python
for number in range(20000):
    gdb.parse_and_eval("%d * 3" % number)
print(len([field.name for field in gdb.lookup_type("struct node").fields()]))
end
frame 0
finish
delete
continue
