%% The same quantities in Erlang/OTP. Reads "<quantity> <milliseconds>" from standard input, a line each, and answers with a
%% line of JSON. It ends with its input.
-module(skerry_bench).
-behaviour(gen_server).
-export([main/0, echo/1, echo/3]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(BATCH, 1000).
-define(IDLE, 100000).

main() ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    start_other(init:get_argument(erl_epmd_port)),
    loop().

%% A second node on 127.0.0.2, for the quantities between nodes. Both listen on the port of -erl_epmd_port, each on its
%% own address, so no epmd is needed that would outlive the bench.
start_other({ok, [[Port]]}) ->
    {ok, _, Other} = peer:start_link(#{
        name => skerry_bench_other,
        host => "127.0.0.2",
        longnames => true,
        connection => standard_io,
        args => ["-start_epmd", "false", "-erl_epmd_port", Port, "-setcookie", atom_to_list(erlang:get_cookie()),
                 "-kernel", "inet_dist_use_interface", "{127,0,0,2}", "-pa" | code:get_path()]
    }),
    true = net_kernel:connect_node(Other),
    persistent_term:put(other, Other);
start_other(error) -> none.

other() -> persistent_term:get(other).

loop() ->
    case io:get_line("") of
        eof -> halt(0);
        Line ->
            [Quantity, Ms] = string:lexemes(Line, " \n"),
            Figures = measure(list_to_atom(Quantity), list_to_integer(Ms)),
            Fields = [io_lib:format("\"~s\":~w", [Name, Value]) || {Name, Value} <- Figures],
            io:format("{~s}~n", [lists:join(",", Fields)]),
            loop()
    end.

measure(release, _) ->
    [{otp, list_to_integer(erlang:system_info(otp_release))}];
measure(call, Ms) ->
    {ok, Server} = gen_server:start_link(?MODULE, 0, []),
    Rate = rate(Ms, 64, fun() -> gen_server:call(Server, {add, 1}) end),
    gen_server:stop(Server),
    [{rate, Rate}];
measure(call_100, Ms) ->
    {ok, Server} = gen_server:start_link(?MODULE, 0, []),
    Self = self(),
    Started = now_us(),
    End = Started + Ms * 1000,
    Callers = [spawn(fun() -> Self ! {self(), call_until(Server, End, 0)} end) || _ <- lists:seq(1, 100)],
    Calls = lists:sum([receive {Caller, Count} -> Count end || Caller <- Callers]),
    Took = now_us() - Started,
    gen_server:stop(Server),
    [{rate, Calls * 1.0e6 / Took}];
measure(send, Ms) ->
    Sink = spawn_link(fun() -> sink(0) end),
    Rate = rate(Ms, 1, fun() -> send_batch(Sink, ?BATCH), Sink ! {total, self()}, receive {total, _} -> ok end end),
    exit(Sink, kill),
    receive {'EXIT', Sink, _} -> ok end,
    [{rate, Rate * ?BATCH}];
measure(spawn_link, Ms) ->
    [{rate, rate(Ms, 64, fun() -> Pid = spawn_link(fun() -> ok end), receive {'EXIT', Pid, _} -> ok end end)}];
measure(start_stop, Ms) ->
    Rate = rate(Ms, 16, fun() ->
        {ok, Server} = gen_server:start_link(?MODULE, 0, []),
        ok = gen_server:stop(Server),
        receive {'EXIT', Server, _} -> ok end
    end),
    [{rate, Rate}];
measure(erpc_p50, Ms) -> in_process(fun() -> latency(Ms, fun() -> erpc_round(body(5)) end) end);
measure(spawn_p50, Ms) -> in_process(fun() -> latency(Ms, fun() -> spawn_round(body(5)) end) end);
measure(erpc_100, Ms) -> in_flight(Ms, 100, fun() -> erpc_round(body(5)) end);
measure(erpc_100_1k, Ms) -> Body = body(1024), in_flight(Ms, 100, fun() -> erpc_round(Body) end);
measure(erpc_100_64k, Ms) -> Body = body(65536), in_flight(Ms, 100, fun() -> erpc_round(Body) end);
measure(erpc_beside_bulk, Ms) ->
    Bulk = spawn(fun Again() -> erpc:call(other(), binary, copy, [<<"s">>, 64 * 1024 * 1024]), Again() end),
    Figures = in_process(fun() -> latency(Ms, fun() -> erpc_round(body(5)) end) end),
    exit(Bulk, kill),
    Figures;
measure(spawn_100, Ms) -> in_flight(Ms, 100, fun() -> spawn_round(body(5)) end);
measure(ets_lookup, Ms) ->
    [{rate, ?BATCH * with_regions(fun() -> rate(Ms, 1, fun() -> lookups(?BATCH) end) end)}];
measure(ets_draw, Ms) ->
    %% As Fly RPC chooses: the region's row, and one of its nodes by chance.
    [{rate, ?BATCH * with_regions(fun() -> rate(Ms, 1, fun() -> draws(?BATCH) end) end)}];
measure(memory, _) ->
    [{bytes, bytes_each(0)}, {hibernated, bytes_each(hibernated)}];
measure(restart, Ms) ->
    {ok, Supervisor} = supervisor:start_link(?MODULE, {supervisor, self()}),
    receive running -> ok end,
    Took = lists:sort(restarts(now_us() + Ms * 1000, [])),
    unlink(Supervisor),
    exit(Supervisor, kill),
    Monitor = monitor(process, Supervisor),
    receive {'DOWN', Monitor, _, _, _} -> ok end,
    wait_unregistered(),
    Count = length(Took),
    [{p50, percentile(Took, Count, 0.5)}, {p99, percentile(Took, Count, 0.99)}].

%% What runs on the other node.
echo(Body) -> Body.
echo(From, Ref, Body) -> From ! {Ref, Body}.

erpc_round(Body) -> Body = erpc:call(other(), ?MODULE, echo, [Body]).

spawn_round(Body) ->
    Ref = make_ref(),
    spawn_link(other(), ?MODULE, echo, [self(), Ref, Body]),
    receive {Ref, Body} -> ok end.

body(Bytes) -> binary:copy(<<"s">>, Bytes).

%% In a process that traps no exits: those that it is linked to leave nothing in its mailbox.
in_process(Work) ->
    Self = self(),
    {Pid, Monitor} = spawn_monitor(fun() -> Self ! {self(), Work()} end),
    receive {Pid, Result} -> demonitor(Monitor, [flush]), Result end.

latency(Ms, Work) ->
    Took = lists:sort(round_trips(now_us() + Ms * 1000, Work, [])),
    Count = length(Took),
    [{p50, percentile(Took, Count, 0.5)}, {p99, percentile(Took, Count, 0.99)}].

round_trips(End, Work, Took) ->
    Started = now_us(),
    Work(),
    Now = now_us(),
    if
        Now < End -> round_trips(End, Work, [Now - Started | Took]);
        true -> [Now - Started | Took]
    end.

in_flight(Ms, Lines, Work) ->
    Self = self(),
    Started = now_us(),
    End = Started + Ms * 1000,
    Pids = [spawn(fun() -> Self ! {self(), work_until(Work, End, 0)} end) || _ <- lists:seq(1, Lines)],
    Done = lists:sum([receive {Pid, Count} -> Count end || Pid <- Pids]),
    [{rate, Done * 1.0e6 / (now_us() - Started)}].

work_until(Work, End, Count) ->
    Work(),
    case Count rem 16 =:= 0 andalso now_us() >= End of
        true -> Count + 1;
        false -> work_until(Work, End, Count + 1)
    end.

lookups(0) -> ok;
lookups(Left) -> ets:lookup(skerry_regions, <<"lax">>), lookups(Left - 1).

draws(0) -> ok;
draws(Left) ->
    [{_, Nodes}] = ets:lookup(skerry_regions, <<"lax">>),
    lists:nth(rand:uniform(length(Nodes)), Nodes),
    draws(Left - 1).

with_regions(Work) ->
    ets:new(skerry_regions, [named_table, public, {read_concurrency, true}]),
    [ets:insert(skerry_regions, {Region, ['a@host', 'b@host', 'c@host']}) || Region <- [<<"syd">>, <<"lax">>, <<"fra">>]],
    Result = Work(),
    ets:delete(skerry_regions),
    Result.

now_us() -> erlang:monotonic_time(nanosecond) / 1000.

rate(Ms, Each, Work) ->
    Started = now_us(),
    rate(Started, Started + Ms * 1000, Each, Work, 0).

rate(Started, End, Each, Work, Done) ->
    repeat(Each, Work),
    Now = now_us(),
    if
        Now < End -> rate(Started, End, Each, Work, Done + Each);
        true -> (Done + Each) * 1.0e6 / (Now - Started)
    end.

repeat(0, _) -> ok;
repeat(Left, Work) -> Work(), repeat(Left - 1, Work).

call_until(Server, End, Count) ->
    gen_server:call(Server, {add, 1}),
    case Count rem 16 =:= 0 andalso now_us() >= End of
        true -> Count + 1;
        false -> call_until(Server, End, Count + 1)
    end.

send_batch(_, 0) -> ok;
send_batch(Sink, Left) -> Sink ! {add, 1}, send_batch(Sink, Left - 1).

sink(Count) ->
    receive
        {add, By} -> sink(Count + By);
        {total, From} -> From ! {total, Count}, sink(Count)
    end.

bytes_each(Start) ->
    erlang:garbage_collect(),
    Before = erlang:memory(processes),
    Servers = [begin {ok, Server} = gen_server:start_link(?MODULE, Start, []), Server end || _ <- lists:seq(1, ?IDLE)],
    erlang:garbage_collect(),
    Each = (erlang:memory(processes) - Before) / ?IDLE,
    [exit(Server, kill) || Server <- Servers],
    [receive {'EXIT', Server, _} -> ok end || Server <- Servers],
    Each.

restarts(End, Took) ->
    Started = now_us(),
    exit(whereis(skerry_bench_child), kill),
    receive running -> ok end,
    Now = now_us(),
    if
        Now < End -> restarts(End, [Now - Started | Took]);
        true -> [Now - Started | Took]
    end.

wait_unregistered() ->
    case whereis(skerry_bench_child) of
        undefined -> ok;
        _ -> erlang:yield(), wait_unregistered()
    end.

percentile(Sorted, Count, Share) -> lists:nth(min(Count, trunc(Count * Share) + 1), Sorted).

init({supervisor, Parent}) ->
    Child = #{id => child, start => {gen_server, start_link, [{local, skerry_bench_child}, ?MODULE, {child, Parent}, []]}},
    {ok, {#{intensity => 1000000, period => 1}, [Child]}};
init({child, Parent}) -> Parent ! running, {ok, 0};
init(hibernated) -> {ok, 0, hibernate};
init(Count) -> {ok, Count}.

handle_call({add, By}, _From, Count) -> {reply, Count + By, Count + By}.
handle_cast({add, By}, Count) -> {noreply, Count + By}.
handle_info(_, Count) -> {noreply, Count}.
