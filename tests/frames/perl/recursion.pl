# SPDX-License-Identifier: MIT
# size 6000
# Recursion deeper than what is kept of a stack.
use strict;
no warnings "recursion";
my $x = "x";

sub down {
    my ($depth, $kept) = @_;
    if ($depth == 0) {
        for (1 .. 100) {
            push @$kept, $x x 6000;    #= 1000
        }
        return;
    }
    push @$kept, $x x 6000 if $depth % 10 == 0;    #= 700
    down($depth - 1, $kept);
}

my @kept;
down(700, \@kept) for 1 .. 10;
