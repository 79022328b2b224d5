# SPDX-License-Identifier: MIT
# size 4000
# Frames that are left by die, and what is allocated while that is handled.
use strict;
my $x = "x";

sub refuse {
    my ($kept) = @_;
    push @$kept, $x x 4000;    #= 600
    die "refused\n";
}

sub handle {
    my ($kept) = @_;
    eval {
        push @$kept, $x x 4000;    #= 600
        refuse($kept);
    };
    push @$kept, $x x 4000;    #= 600
}

my @kept;
handle(\@kept) for 1 .. 600;
