# SPDX-License-Identifier: MIT
# size 5000
# Closures, called by Perl and from C: sort, map, grep.
use strict;
my ($x, @kept) = ("x");

sub called {
    my ($each, $count) = @_;
    $each->() for 1 .. $count;
}

called(
    sub {
        push @kept, $x x 5000;    #= 600
    },
    600
);
my @mapped = map {
    push @kept, $x x 5000;    #= 400
    1;
} 1 .. 400;

sub by_number {
    push @kept, $x x 5000 if @kept < 1200;    #= 200
    return $a <=> $b;
}
my @sorted = sort by_number reverse 1 .. 200;
