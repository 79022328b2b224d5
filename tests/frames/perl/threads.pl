# SPDX-License-Identifier: MIT
# size 12000
# Threads, each with an interpreter of its own.
use strict;
use threads;
my $x = "x";

sub left {
    my @kept;
    for (1 .. 150) {
        push @kept, $x x 12000;    #= 600
    }
}

sub right {
    my @kept;
    for (1 .. 100) {
        push @kept, $x x 12000;    #= 400
    }
}

my @threads = map { (threads->create(\&left), threads->create(\&right)) } 1 .. 4;
$_->join for @threads;
