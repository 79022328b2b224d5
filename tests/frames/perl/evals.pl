# SPDX-License-Identifier: MIT
# size 3500
# Code that is made at run time, and code that comes and goes.
use strict;
my ($x, @kept) = ("x");

sub fresh {
    eval 'push @kept, $x x 3500; sub made { return 1 }';
    for (1 .. 3) {
        push @kept, $x x 3500;    #= 900
    }
    undef &made;
}

fresh() for 1 .. 300;
for (1 .. 500) {
    push @kept, $x x 3500;    #= 500
}
