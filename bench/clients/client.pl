# Submits jobs without end, so many at a time: `client.pl PORT FUNCTION COUNT`. Prints how many are done.
use strict;
use warnings;
use Gearman::Client;
use Gearman::Task;
use Time::HiRes qw(time);

my ($port, $function, $count) = @ARGV;
$| = 1;
my $client = Gearman::Client->new(job_servers => ["127.0.0.1:$port"]);
my ($done, $told) = (0, time);
my $workload = "123456789";
while (1) {
    if ($count == 1) {
        $done++ if $client->do_task($function, $workload);
    } else {
        my $tasks = $client->new_task_set;
        $tasks->add_task(Gearman::Task->new($function, \$workload, { on_complete => sub { $done++ } })) for 1 .. $count;
        $tasks->wait;
    }
    if (time - $told > 0.02) {
        $told = time;
        print "$done\n";
    }
}
