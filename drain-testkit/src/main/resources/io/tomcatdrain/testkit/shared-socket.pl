# Holds one listening socket on loopback and starts processes that inherit it as their standard input, as systemd does with
# StandardInput=socket. Prints the port; then, for each line "FILE<tab>COMMAND<tab>ARGUMENT..." of its own standard input, starts the
# command, whose output is added to the file, and prints its process number.
use strict;
use warnings;
use POSIX ();
use Socket;

$| = 1;
$SIG{CHLD} = 'IGNORE';
socket(my $listener, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
bind($listener, sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
listen($listener, 200) or die "listen: $!";
print +(sockaddr_in(getsockname($listener)))[0], "\n";
while (my $line = <STDIN>) {
    chomp $line;
    my ($console, @command) = split /\t/, $line, -1;
    my $process = fork() // die "fork: $!";
    if ($process == 0) {
        $SIG{CHLD} = 'DEFAULT';
        open(my $out, '>>', $console) or die "$console: $!";
        POSIX::dup2(fileno($listener), 0);
        POSIX::dup2(fileno($out), 1);
        POSIX::dup2(fileno($out), 2);
        exec @command or die "$command[0]: $!";
    }
    print "$process\n";
}
