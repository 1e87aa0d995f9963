# The warden kills the sessions it was told of when its standard input ends, which is when the agent has died.
# Lines: "+ ID" watch a session, "- ID" forget it, "g FOLDER" remove this cgroup at the end, "q" all is well.
trap '' HUP INT QUIT TERM
sessions=' '
groups=
while read -r verb arg; do
	case $verb in
	+) sessions="$sessions$arg " ;;
	-) case $sessions in *" $arg "*) sessions="${sessions%% "$arg" *} ${sessions#* "$arg" }" ;; esac ;;
	g) groups="$groups $arg" ;;
	q) exit 0 ;;
	esac
done
round=0
while [ "$round" -lt 200 ]; do
	round=$((round + 1))
	found=
	for stat in /proc/[0-9]*/stat; do
		{ read -r line <"$stat"; } 2>/dev/null || continue
		pid=${line%% *}
		set -- ${line##*) } # state, parent, group, session
		case $sessions in
		*" $4 "*)
			if [ "$1" != Z ]; then
				kill -KILL "$pid" 2>/dev/null
				found=yes
			fi
			;;
		esac
	done
	if [ ! -e /proc/self/stat ]; then
		for session in $sessions; do kill -KILL "-$session" 2>/dev/null; done
	fi
	[ -n "$found" ] || break
done
for group in $groups; do
	rmdir "$group"/*/ "$group" 2>/dev/null
done
exit 0
