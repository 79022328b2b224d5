# SPDX-License-Identifier: MIT
# size 9000
# Methods of packages, AUTOLOAD, DESTROY.
use strict;
my @kept;

package Store;
my $x = "x";

sub new {
    my $store = bless {}, shift;
    push @kept, $x x 9000;    #= 200
    return $store;
}

sub keep {
    push @kept, $x x 9000;    #= 800
}

sub AUTOLOAD {
    push @kept, $x x 9000;    #= 250
}

sub DESTROY {
    push @kept, $x x 9000;    #= 200
}

package main;
for (1 .. 200) {
    my $store = Store->new;
    $store->keep for 1 .. 4;
}
my $last = bless [], "Other";
@Other::ISA = ("Store");
sub Other::DESTROY { }
$last->anything for 1 .. 250;
