//! What holds for commands whatever they are made of.
//! Invariant: nothing that is added to a line frees a command in it.
//! It must not know how a line is read.

use proptest::prelude::*;

use super::*;

proptest! {
    /// Nothing that is appended to a restricted command frees it.
    #[test]
    fn appending_frees_no_restricted_command(
        known in prop::sample::select(vec!["git push", "git push origin", "sudo git push", "g\\it push", "$x"]),
        border in prop::sample::select(vec![" ", "\t", "\n", ";", "&", "|", "<", ">", ")", " #"]),
        more in "[a-z'\"\\\\$`(){}<>|&;#*? \n=-]{0,40}",
        restricts in prop::sample::select(vec![Ask, Deny]),
        pattern in prop::sample::select(vec!["git push", "git push*", "*git*"]),
    ) {
        let policy = policy(Preset::Default, &[("system.run", pattern, restricts)]);
        let line = format!("{known}{border}{more}");
        prop_assert!(effect(&policy, &command(known)) >= Ask);
        prop_assert!(effect(&policy, &command(&line)) >= Ask, "{line}");
    }

    /// Nothing that composes is allowed by a rule for one command.
    #[test]
    fn composing_uses_no_permission(
        operator in prop::sample::select(vec![";", "&&", "||", "|", "&", "\n", "$(", "`", "<(", ">", "<<E\n", "$x", "${"]),
        before in "[a-z -]{0,10}",
        after in "[a-z'\"\\\\$`(){}<>|&;#*? \n=-]{0,30}",
    ) {
        let policy = policy(Preset::Careful, &[("system.run", "git log*", Allow)]);
        let line = format!("git log {before} {operator} {after}x");
        prop_assert_eq!(effect(&policy, &command(&line)), Ask, "{}", line);
    }

    /// Whatever else a line holds, reading it ends, and a restricted command in it is found.
    #[test]
    fn nothing_hides_a_command_before_it(line in "(?s).{0,200}") {
        let policy = policy(Preset::Default, &[("system.run", "rm *", Deny)]);
        let line = format!("cd y\nrm x\n{line}");
        prop_assert_eq!(effect(&policy, &command(&line)), Deny);
        prop_assert_eq!(effect(&policy_of_everything(), &command(&line)), Allow);
    }
}
