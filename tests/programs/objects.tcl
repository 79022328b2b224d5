# SPDX-License-Identifier: MIT
# Tcl: lists, dictionaries, strings, regular expressions, procedures made at run time.
set seed 3
proc dice {n} {
    global seed
    set seed [expr {($seed * 1103515245 + 12345) % 2147483648}]
    return [expr {$seed / 65536 % $n}]
}
set words {}
for {set i 0} {$i < 8000} {incr i} {
    set word ""
    for {set k [expr {3 + [dice 15]}]} {$k > 0} {incr k -1} {append word [format %c [expr {97 + [dice 26]}]]}
    lappend words $word
}
set index [dict create]
foreach word $words {dict lappend index [string range $word 0 1] $word}
puts [dict size $index]
foreach prefix [lsort [dict keys $index]] {
    if {[llength [dict get $index $prefix]] % 2} {dict unset index $prefix}
}
puts "[dict size $index] [string length $index]"
set sorted [lsort -unique $words]
puts "[llength $sorted] [lrange $sorted 0 4]"
set text [join $sorted " "]
puts [regsub -all {([aeiou]+)([^aeiou ]+)} $text {\2\1} swapped]
puts [zlib crc32 $swapped]
for {set i 1} {$i <= 40} {incr i} {lappend blocks [string repeat t [expr {$i * 20000}]]}
puts [zlib crc32 [join $blocks ""]]
puts [zlib crc32 [zlib decompress [zlib compress [encoding convertto utf-8 $text]]]]
for {set i 0} {$i < 500} {incr i} {
    proc made$i {x} "return \[expr {\$x * $i + [dice 100]}\]"
    lappend made [made$i 7]
}
puts [lrange $made 490 end]
for {set i 0} {$i < 500} {incr i} {rename made$i {}}
interp create child
puts [child eval {set all {}; for {set i 0} {$i < 5000} {incr i} {lappend all "item $i"}; llength $all}]
interp delete child
