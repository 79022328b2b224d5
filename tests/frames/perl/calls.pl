# SPDX-License-Identifier: MIT
# size 3000
# Subroutines that call each other.
use strict;
my $x = "x";

sub inner {
    my ($kept, $count) = @_;
    for (1 .. $count) {
        push @$kept, $x x 3000;    #= 1500
    }
}

sub outer {
    my ($kept) = @_;
    inner($kept, 1500);
    for (1 .. 700) {
        push @$kept, $x x 3000;    #= 700
    }
}

my @kept;
outer(\@kept);
for (1 .. 300) {
    push @kept, $x x 3000;    #= 300
}
