import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutContainerPorts } from './rule.ts';

testRule(rolloutContainerPorts, import.meta.dirname);
