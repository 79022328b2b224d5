# SPDX-License-Identifier: MIT
# size 4500
# Names that are not ASCII, subroutines put in place by globs, those without a name.
use strict;
use utf8;
my ($x, @kept) = ("x");

sub größe {
    push @kept, $x x 4500;    #= 350
}

{
    no strict "refs";
    *{"main::made"} = sub {
        push @kept, $x x 4500;    #= 250
    };
}

größe() for 1 .. 350;
made()  for 1 .. 250;
sub {
    for (1 .. 150) {
        push @kept, $x x 4500;    #= 150
    }
}->();
