# SPDX-License-Identifier: MIT
# size 5000
# Subroutines that the interpreter calls: tied variables, overloaded operators, signal handlers.
use strict;
my ($x, @kept) = ("x");

package Tied;
sub TIESCALAR { return bless [], shift }

sub FETCH {
    push @kept, $x x 5000;    #= 500
    return 1;
}

package Sum;
use overload "+" => sub {
    push @kept, $x x 5000;    #= 400
    return $_[0];
};

package main;
tie my $tied, "Tied";
my $seen = 0;
$seen += $tied for 1 .. 500;
my $sum = bless [], "Sum";
$sum + 1 for 1 .. 400;
$SIG{USR1} = sub {
    push @kept, $x x 5000;    #= 100
};
kill USR1 => $$ for 1 .. 100;
