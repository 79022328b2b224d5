# SPDX-License-Identifier: MIT
# size 8000
# Operators that allocate: those that make a text of another.
use strict;
my $full = "h" x 8000;

sub made {
    my ($kept) = @_;
    for (1 .. 400) {
        push @$kept, uc $full;    #= 400
    }
    for (1 .. 300) {
        push @$kept, scalar reverse $full;    #= 300
    }
    for (1 .. 200) {
        push @$kept, lc $full;    #= 200
    }
}

my @kept;
made(\@kept);
