#!/bin/sh
# A SLURM of two nodes on this host, for tests: slurm.sh start DIR | stop DIR. Needs root and the programs of Debian's
# slurmctld, slurmd, slurm-client and munge. Its configuration is DIR/slurm.conf: export SLURM_CONF.
set -eu
verb=$1 dir=$2

configure() {
    mkdir -p "$dir/state" "$dir/spool.n1" "$dir/spool.n2" /run/munge /var/log/munge /var/lib/munge
    chown munge:munge /run/munge /var/log/munge /var/lib/munge
    cat > "$dir/slurm.conf" <<CONF
ClusterName=recontest
SlurmctldHost=localhost
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.%n.log
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
SlurmdTimeout=10
MinJobAge=3600
JobRequeue=1
KillWait=5
MaxArraySize=1001
SlurmdParameters=config_overrides
NodeName=n[1-2] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[17001-17002] CPUs=2 RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
CONF
}

case $verb in
start)
    configure
    if ! munge -n 2>/dev/null | unmunge >/dev/null 2>&1; then
        su -s /bin/sh munge -c "/usr/sbin/munged --pid-file /run/munge/munged.pid"
        touch "$dir/munged.ours"
    fi
    for _ in 1 2 3 4 5 6 7 8 9 10; do munge -n 2>/dev/null | unmunge >/dev/null 2>&1 && break; sleep 0.5; done
    export SLURM_CONF="$dir/slurm.conf"
    slurmctld
    slurmd -N n1
    slurmd -N n2
    for _ in $(seq 60); do
        [ "$(sinfo -h -N -o %T 2>/dev/null | grep -c idle)" = 2 ] && exit 0
        sleep 0.5
    done
    echo "the nodes did not become idle: see $dir/*.log" >&2
    exit 1
    ;;
stop)
    # The munged of a site is left alone. The next start needs the ports: whoever is told to end is waited for.
    [ -e "$dir/munged.ours" ] && cp /run/munge/munged.pid "$dir/munged.pid" 2>/dev/null || true
    for file in "$dir"/*.pid; do
        [ -e "$file" ] || continue
        pid=$(cat "$file")
        kill "$pid" 2>/dev/null || continue
        for _ in $(seq 40); do kill -0 "$pid" 2>/dev/null || break; sleep 0.25; done
    done
    ;;
esac
