# A Gearman::Client: `client.pl PORT MODE FUNCTION [UNIQUE]`, the workload on standard input.
use strict;
use warnings;
use Gearman::Client;
use Gearman::Task;

my ($port, $mode, $function, $unique) = @ARGV;
binmode STDIN;
binmode STDOUT;
$| = 1;
my $workload = do { local $/; <STDIN> };
$workload = "" unless defined $workload;
my $client = Gearman::Client->new(job_servers => ["127.0.0.1:$port"], exceptions => $mode eq "exceptions" ? 1 : 0);
my %options = defined $unique ? (uniq => $unique) : ();

if ($mode eq "do" or $mode eq "high" or $mode eq "low") {
    $options{priority} = $mode unless $mode eq "do";
    my $result = $client->do_task($function, $workload, \%options);
    print { defined $result ? *STDOUT : *STDERR } defined $result ? $$result : "fail\n";
    exit(defined $result ? 0 : 1);
}
if ($mode eq "background") {
    my $handle = $client->dispatch_background($function, $workload, \%options);
    die "not accepted\n" unless defined $handle;
    print "$handle\n";
    # The handle stands for a job that nobody works on yet.
    my $status = $client->get_status($handle);
    print "known ", $status->known, " running ", $status->running, "\n";
    exit 0;
}
my $tasks = $client->new_task_set;
$tasks->add_task(Gearman::Task->new($function, \$workload, {
    %options,
    on_status    => sub { print "status $_[0]/$_[1]\n" },
    on_data      => sub { print "data ${$_[0]}\n" },
    on_warning   => sub { print "warning ${$_[0]}\n" },
    on_complete  => sub { print "complete ${$_[0]}\n" },
    on_fail      => sub { print "fail\n" },
    on_exception => sub { print "exception\n" },
}));
$tasks->wait(timeout => 20);
