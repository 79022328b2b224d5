# SPDX-License-Identifier: MIT
# Tcl: lists of lists, dictionaries, arrays, strings that grow, procedures made at run time.
set state 7
proc below {limit} {
    global state
    set state [expr {($state * 1103515245 + 12345) & 0x7fffffff}]
    return [expr {($state >> 8) % $limit}]
}

set total 0
for {set phase 0} {$phase < 3} {incr phase} {
    array unset groups
    for {set i 0} {$i < 25000} {incr i} {
        lappend groups(group[below 2000]) [dict create id $i name "name $i" parts [list $i [expr {$i % 7}] part$i]]
    }
    foreach key [lsort [array names groups]] {
        set names {}
        foreach row [lsort -decreasing $groups($key)] {
            lappend names [dict get $row name]
            incr total [lindex [dict get $row parts] 1]
        }
        incr total [string length [join $names ,]]
        if {[below 2]} {unset groups($key)}
    }
    set text ""
    for {set i 0} {$i < 15000} {incr i} {
        append text [string repeat [format %c [expr {97 + [below 26]}]] [expr {1 + [below 30]}]] " "
    }
    set seen [dict create]
    foreach word [split $text " "] {dict incr seen $word}
    incr total [dict size $seen]
    incr total [string length [regsub -all {([aeiou]+) } $text {<\1> }]]
    for {set i 0} {$i < 1500} {incr i} {
        proc made$i {n} "return \[expr {\$n + $i}\]"
        incr total [made$i 1]
        rename made$i ""
    }
}
puts $total
