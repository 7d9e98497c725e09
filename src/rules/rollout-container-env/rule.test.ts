import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutContainerEnv } from './rule.ts';

testRule(rolloutContainerEnv, import.meta.dirname);
